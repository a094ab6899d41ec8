export { default as Chat } from './Chat.svelte';
export { default as Feed } from './Feed.svelte';
export { default as Listener } from './Listener.svelte';
export { default as Shared } from './Shared.svelte';
