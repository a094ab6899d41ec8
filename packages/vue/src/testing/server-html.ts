/** What a server renders of `Chat`: compared in ssr.test.ts, taken over in contract.browser.test.ts. */
export const serverHtml = '<p>idle</p>';
