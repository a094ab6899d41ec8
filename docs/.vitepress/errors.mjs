import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The file that every failure is described in; its first part is about all of them. */
const errorsFile = join(import.meta.dirname, '..', '..', 'packages', 'core', 'errors.md');

/** The errors' common part, and a section for each code. */
function read() {
  const [head = '', ...sections] = readFileSync(errorsFile, 'utf8').split(/^## /m);
  return {
    head,
    sections: sections.map((section) => {
      const [code = '', ...lines] = section.split('\n');
      return { code, text: lines.join('\n').trim() };
    }),
  };
}

export function errorCodes() {
  return read().sections.map(({ code }) => code);
}

/**
 * A page about all errors, and one for each code, with what the table says of it.
 *
 * @returns {{ name: string, content: string }[]}
 */
export function errorPages() {
  const { head, sections } = read();
  const codes = sections.map(({ code }) => code);
  const pages = sections.map(({ code, text }) => {
    const [, stages, again] =
      head.match(new RegExp(`^\\| \\[\`${code}\`\\]\\(#${code}\\) +\\|(.*)\\|(.*)\\|$`, 'm')) ?? [];
    if (!stages || !again) throw new Error(`errors.md: ${code} has no row in the table`);
    const linked = text.replace(/(?<!\[)`([a-z-]+)`/g, (name, other) =>
      other !== code && codes.includes(other) ? `[${name}](#${other})` : name,
    );
    const facts = `| stage | tried again |\n| --- | --- |\n| ${stages.trim()} | ${again.trim()} |`;
    return { name: code, content: `# ${code}\n\n${facts}\n\n${linked}\n` };
  });
  return [{ name: 'index', content: head }, ...pages];
}
