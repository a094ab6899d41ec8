import { adapted } from './style/adapted.ts';
import { attempts } from './style/attempts.ts';
import { base } from './style/base.ts';
import { head } from './style/head.ts';
import { messages } from './style/messages.ts';
import { report } from './style/report.ts';
import { sockets } from './style/sockets.ts';

/**
 * The style of the panel, for a constructed style sheet: that needs no leave of a Content-Security-Policy.
 * Light or dark as the page is by its `color-scheme`; the floating panel, as the user prefers.
 */
export const css: string = `${base}${head}${sockets}${report}${attempts}${messages}${adapted}`;
