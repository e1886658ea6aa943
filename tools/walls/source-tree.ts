/** The files a tidy rule looks at, read once; TypeScript is parsed, not checked. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';

export interface SourceFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly lineCount: number;
  /** The syntax tree of a TypeScript file. */
  readonly tree: ts.SourceFile;
}

export interface SourceTree {
  readonly root: string;
  readonly files: readonly SourceFile[];
  /** Names of the folders and files of `src/`. */
  readonly rooms: readonly { name: string; folder: boolean }[];
  /** @returns undefined when there is no such file */
  read(path: string): string | undefined;
}

const ROOTS = ['src', 'test', 'tools', 'bench', 'examples', 'fuzz', 'native'];
const SEEDS = 'test/walls/seeds';

function* walk(root: string, path: string): Generator<string> {
  for (const entry of readdirSync(`${root}/${path}`, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inner = `${path}/${entry.name}`;
    if (entry.isDirectory() && inner !== SEEDS) yield* walk(root, inner);
    else if (entry.isFile() && /\.(?:ts|mjs|c|h)$/.test(entry.name)) yield inner;
  }
}

export function readSourceTree(root: string): SourceTree {
  const read = (path: string): string | undefined => (existsSync(`${root}/${path}`) ? readFileSync(`${root}/${path}`, 'utf8') : undefined);
  const files = ROOTS.filter((name) => existsSync(`${root}/${name}`)).flatMap((name) => [...walk(root, name)]).map((path) => {
    const text = readFileSync(`${root}/${path}`, 'utf8');
    let tree: ts.SourceFile | undefined;
    return {
      path,
      text,
      lineCount: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
      get tree() {
        tree ??= ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
        return tree;
      },
    };
  });
  const rooms = readdirSync(`${root}/src`, { withFileTypes: true }).map((entry) => ({ name: entry.name, folder: entry.isDirectory() }));
  return { root, files, rooms, read };
}

export const isTest = (path: string): boolean => path.endsWith('.test.ts') || path.startsWith('test/');
export const isTypeScript = (path: string): boolean => path.endsWith('.ts');

export function lineOf(file: SourceFile, node: ts.Node): number {
  return file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1;
}

/** Every node of a file, parents before children. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  node.forEachChild((child) => void children.push(child));
  for (const child of children) yield* nodesOf(child);
}
