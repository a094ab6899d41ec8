/** What a server renders of `Chat`: compared in ssr.test.tsx, taken over in contract.browser.test.tsx. */
export const serverHtml = '<p>idle</p>';
