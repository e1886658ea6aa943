// The walls between the layers, from tools/walls/layers.ts. Type-only imports count as imports.
import { ARROWS, GUARDED_MODULES, PURE, TOP_FILES } from './tools/walls/layers.ts';

const literal = (text) => text.replaceAll('.', '\\.');
/** Pattern of the files of a layer. */
const filesOf = (layer) => [`^src/${layer}/`, ...Object.entries(TOP_FILES).filter(([, owner]) => owner === layer).map(([file]) => `^src/${literal(file)}$`)];
const TESTS = '\\.test\\.ts$';
const forbid = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });

const arrows = Object.entries(ARROWS).map(([layer, allowed]) =>
  forbid(`arrows-${layer}`, { path: filesOf(layer), pathNot: TESTS }, { path: '^src/', pathNot: [...filesOf(layer), ...allowed.flatMap(filesOf)] }, `${layer} may import ${allowed.join(', ') || 'nothing of ours'}`),
);

const guards = Object.entries(GUARDED_MODULES).map(([module, files]) =>
  forbid(`guarded-${module.slice('node:'.length)}`, { path: '^src/', pathNot: [TESTS, ...files.map((file) => `^${literal(file)}`)] }, { path: `^(node:)?${module.slice('node:'.length)}(/|$)` }, `${module} belongs to ${files.join(', ') || 'no file'}`),
);

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    forbid('no-circular', {}, { circular: true }, 'no cycles, not even of types'),
    ...arrows,
    forbid('islands', { path: '^src/adapters/(?!os/)([^/]+)/' }, { path: '^src/adapters/', pathNot: ['^src/adapters/os/', '^src/adapters/$1/'] }, 'an adapter imports no other adapter but adapters/os'),
    forbid('os-is-the-floor', { path: '^src/adapters/os/' }, { path: '^src/adapters/', pathNot: '^src/adapters/os/' }, 'adapters/os imports no adapter'),
    forbid('pure-no-package', { path: ['base', ...PURE].map((layer) => `^src/${layer}/`), pathNot: [TESTS, '^src/base/blake3\\.ts$'] }, { path: 'node_modules/' }, 'base, wire and core import no package, but base the hash that node:crypto lacks'),
    forbid('pure-no-node', { path: PURE.map((layer) => `^src/${layer}/`), pathNot: TESTS }, { dependencyTypes: ['core'] }, 'wire and core import no Node module'),
    ...guards,
    forbid('declared-packages', { path: '^src/', pathNot: TESTS }, { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] }, 'the program runs on declared runtime dependencies alone'),
    forbid('no-unresolvable', {}, { couldNotResolve: true }, 'every import resolves'),
    forbid('tests-stay-out', { path: '^src/', pathNot: TESTS }, { path: [TESTS, '^test/', '^tools/', '^bench/', '^fuzz/', '^examples/'] }, 'the program does not import tests or tools'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'], extensions: ['.ts', '.mjs', '.js', '.d.ts'] },
    builtInModules: { add: ['sqlite', 'node:sqlite'] },
  },
};
