export default defineNuxtRouteMiddleware(({ path }) => {
  if (path !== '/login' && !useSession().value) return navigateTo('/login');
});
