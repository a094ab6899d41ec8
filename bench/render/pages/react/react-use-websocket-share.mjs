import { url } from '../harness.mjs';
import { useFromLast } from './from-last.mjs';
import { useWebSocket } from './use-web-socket.mjs';

const options = { share: true };

export const useFeed = () => useFromLast(useWebSocket(url, options).lastJsonMessage);
export const useStatus = () => useWebSocket(url, options).readyState;
