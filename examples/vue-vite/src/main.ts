import { createApp } from 'vue';
import { createRouter, createWebHistory } from 'vue-router';
import AboutPage from './AboutPage.vue';
import App from './App.vue';
import ChatPage from './ChatPage.vue';

const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', component: ChatPage },
    { path: '/about', component: AboutPage },
  ],
});

createApp(App).use(router).mount('#app');
