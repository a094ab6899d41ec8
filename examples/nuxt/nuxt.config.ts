export default defineNuxtConfig({
  compatibilityDate: '2026-11-24',
  telemetry: false,
  css: ['~/assets/style.css'],
  app: {
    head: {
      title: 'Chat, in Vue with Nuxt',
      htmlAttrs: { lang: 'en' },
      link: [{ rel: 'icon', href: 'data:,' }],
    },
  },
  // NUXT_PUBLIC_SERVER names another.
  runtimeConfig: { public: { server: 'http://127.0.0.1:8080' } },
});
