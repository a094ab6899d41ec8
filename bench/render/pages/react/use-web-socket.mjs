import reactUseWebSocket from 'react-use-websocket';

/** A CommonJS module: to an importer that is none its default export is all of it. */
export const { default: useWebSocket } = reactUseWebSocket;
