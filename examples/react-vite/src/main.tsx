import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createBrowserRouter } from 'react-router';
import { RouterProvider } from 'react-router/dom';
import { AboutPage } from './AboutPage.tsx';
import { App } from './App.tsx';
import { ChatPage } from './ChatPage.tsx';

const router = createBrowserRouter([
  {
    Component: App,
    children: [
      { index: true, Component: ChatPage },
      { path: 'about', Component: AboutPage },
    ],
  },
]);

createRoot(document.getElementById('app') as HTMLElement).render(
  <StrictMode>
    <RouterProvider router={router} />
  </StrictMode>,
);
