// Lets a plain `node --import` run the sources: a relative './x.js' that is not there is './x.ts'. Types are stripped by Node itself.
// For child processes of tests in rooms without decorators; the service itself runs as built.
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (!/^\.{1,2}\/.*\.js$/.test(specifier) || !context.parentURL) return nextResolve(specifier, context);
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    return existsSync(fileURLToPath(source)) ? nextResolve(source.href, context) : nextResolve(specifier, context);
  },
});
