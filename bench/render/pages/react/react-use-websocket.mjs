import { url } from '../harness.mjs';
import { useFromLast } from './from-last.mjs';
import { useWebSocket } from './use-web-socket.mjs';

export const useFeed = () => useFromLast(useWebSocket(url).lastJsonMessage);
export const useStatus = () => useWebSocket(url).readyState;
