import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import TwoStages from './TwoStages.vue';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => {
    app.component('TwoStages', TwoStages);
  },
} satisfies Theme;
