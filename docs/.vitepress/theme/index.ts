import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import { h } from 'vue';
import TwoStages from './TwoStages.vue';
import './style.css';

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { 'home-features-before': () => h(TwoStages) }),
  enhanceApp: ({ app }) => {
    app.component('TwoStages', TwoStages);
  },
} satisfies Theme;
