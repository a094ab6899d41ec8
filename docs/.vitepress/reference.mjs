import { rmSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Application, Comment, LogLevel, PageEvent, ReflectionKind } from 'typedoc';
import { publicPackages, root } from '../../scripts/workspaces.mjs';
import { tidied } from './reference-pages.mjs';

// Makes the pages of the API from the docstrings of what can be imported.

/** The folder of the generated pages. */
const folder = join(root, 'docs', 'api');

/**
 * What each module is for.
 *
 * @type {Record<string, string>}
 */
const purposes = {
  core: 'The client, and what its options and events are made of.',
  'core/adapter':
    'What the adapters for React, Vue and Svelte have in common, for one of your own.',
  'core/devtools': 'The panel that shows what sockets do.',
  'core/testing': "A server to script in an app's own tests.",
  'core/testing/msw': 'Handlers for both stages, for apps that test with msw.',
  'core/websocket': 'A `WebSocket` class for libraries that take one.',
  react: 'Hooks for React. Exports all of `@two-stage-socket/core` too.',
  svelte: 'Stores and runes. Exports all of `@two-stage-socket/core` too.',
  'svelte/store': 'Stores for Svelte 4. Exports all of `@two-stage-socket/core` too.',
  vue: 'Composables for Vue. Exports all of `@two-stage-socket/core` too.',
};

/** What can be imported, `core/websocket` say, and the source behind it. */
const entries = publicPackages().flatMap(({ name, folder, manifest }) =>
  Object.entries(manifest.exports)
    .filter(([, target]) => target.source)
    .map(([path, { source }]) => ({ name: join(name, path), source: join(folder, source) })),
);

/** @type {import('typedoc').TypeDocOptions & import('typedoc-plugin-markdown').PluginOptions} */
const options = {
  plugin: ['typedoc-plugin-markdown'],
  logLevel: LogLevel.Warn,
  entryPoints: entries.map(({ source }) => source),
  tsconfig: join(root, 'docs', '.vitepress', 'reference.tsconfig.json'),
  // `npm run types` checks them.
  skipErrorChecking: true,
  validation: { notExported: false, invalidLink: true },
  excludeReferences: true,
  excludePrivate: true,
  excludeInternal: true,
  disableGit: true,
  disableSources: true,

  readme: 'none',
  outputs: [{ name: 'markdown', path: folder }],
  router: 'structure-dir',
  entryFileName: 'index',
  hideBreadcrumbs: true,
  hidePageHeader: true,
  pageTitleTemplates: {
    index: 'API',
    module: ({ name }) => `@two-stage-socket/${name}`,
    member: ({ rawName }) => rawName.replace(/[<(].*/, ''),
  },
  indexFormat: 'table',
  parametersFormat: 'table',
  typeDeclarationFormat: 'table',
  typeDeclarationVisibility: 'compact',
  tableColumnSettings: { hideModifiers: true, leftAlignHeaders: true },
  useCodeBlocks: true,
  expandObjects: true,
  expandParameters: true,
  useHTMLEncodedBrackets: true,
};

const app = await Application.bootstrapWithPlugins(options);
const project = await app.convert();
if (!project) process.exit(1);
for (const module of project.children ?? []) {
  const source = project.getSymbolIdFromReflection(module)?.fileName;
  module.name = entries.find((entry) => entry.source === source)?.name ?? module.name;
  const purpose = purposes[module.name];
  if (purpose) module.comment = new Comment([{ kind: 'text', text: purpose }]);
  else app.logger.error(`${module.name}: reference.mjs does not say what it is for`);
  for (const member of module.children ?? []) {
    const documented = [member, ...(member.signatures ?? [])].some((part) => part.hasComment());
    if (!documented) app.logger.error(`${module.name}: ${member.name} has no docstring`);
  }
}
app.renderer.on(PageEvent.END, (page) => {
  const { router } = app.renderer;
  const module = page.url.split('/').slice(0, -2).join('/');
  page.contents = tidied(page.contents ?? '', (name) => {
    const found = project
      .getReflectionsByKind(ReflectionKind.ClassOrInterface | ReflectionKind.TypeAlias)
      .filter((type) => type.name === name && type !== page.model && router?.hasOwnDocument(type))
      .map((type) => router?.getFullUrl(type) ?? '');
    const nearest = found.find((url) => posix.dirname(posix.dirname(url)) === module) ?? found[0];
    return nearest && posix.relative(posix.dirname(page.url), nearest);
  });
});
app.validate(project);
rmSync(folder, { recursive: true, force: true });
await app.generateOutputs(project);
process.exitCode = app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0;
