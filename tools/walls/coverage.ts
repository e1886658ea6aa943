/** Closed tables are documented and tested: every error code, every event type; every adapter of a port runs the port's contract suite. */
import ts from 'typescript';
import { isTest, isTypeScript, type SourceFile, type SourceTree } from './source-tree.ts';

/** What is known to be missing: may only shrink. */
export interface KnownGaps {
  readonly untestedErrors: readonly string[];
  readonly contracts: readonly string[];
}

/** Gaps found against gaps known, both ways. */
function compareGaps(found: ReadonlyMap<string, string>, known: readonly string[], list: string): string[] {
  return [
    ...[...found].filter(([name]) => !known.includes(name)).map(([, finding]) => finding),
    ...known.filter((name) => !found.has(name)).map((name) => `${name} is no gap any more: take it out of ${list} in tools/walls/allowance.json`),
  ];
}

/** Documents that are made from a table are held against it only when they exist. */
function undocumented(tree: SourceTree, path: string, names: readonly string[]): string[] {
  const text = tree.read(path);
  return text === undefined ? [] : names.filter((name) => !text.includes(`\`${name}\``)).map((name) => `${path} does not have ${name}: npm run docs`);
}

export async function checkTables(tree: SourceTree, known: KnownGaps): Promise<string[]> {
  const { ERROR_CODES } = (await import(`${tree.root}/src/base/errors.ts`)) as { ERROR_CODES: Record<string, unknown> };
  const { EVENTS } = (await import(`${tree.root}/src/core/events/catalogue.ts`)) as { EVENTS: Record<string, { type: string }> };
  const tests = tree.files.filter((file) => isTest(file.path) && !file.path.startsWith('test/walls/')).map((file) => file.text);
  const codes = Object.keys(ERROR_CODES);
  const untested = codes.filter((code) => !tests.some((text) => text.includes(`'${code}'`)));
  return [
    ...undocumented(tree, 'docs/errors.md', codes),
    ...undocumented(tree, 'docs/events.md', Object.values(EVENTS).map((event) => event.type)),
    ...compareGaps(new Map(untested.map((code) => [code, `the error code ${code} is in no test`])), known.untestedErrors, 'untestedErrors'),
  ];
}

/** Interfaces of a port file that somebody can implement: those with at least one method. */
function portInterfaces(file: SourceFile): string[] {
  return file.tree.statements.filter((statement) => ts.isInterfaceDeclaration(statement) && statement.members.some((member) => ts.isMethodSignature(member))).map((statement) => (statement as ts.InterfaceDeclaration).name.text);
}

/** Is an exported value or the result of an exported function declared to be `name`? */
function offers(file: SourceFile, name: string): boolean {
  const typed = (node: ts.TypeNode | undefined): boolean => node !== undefined && new RegExp(`^(?:Promise<)?${name}>?$`).test(node.getText(file.tree));
  return file.tree.statements.some((statement) => {
    const exported = ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) === true;
    if (!exported) return false;
    if (ts.isFunctionDeclaration(statement)) return typed(statement.type);
    if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.some((declaration) => typed(declaration.type));
    return ts.isClassDeclaration(statement) && statement.heritageClauses?.some((clause) => clause.types.some((type) => type.expression.getText(file.tree) === name)) === true;
  });
}

const nameIn = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** The modules that are an adapter to the outside for this one: itself, or, when only its own folder imports it, those that do. */
function facesOf(adapter: SourceFile, sources: readonly SourceFile[]): readonly SourceFile[] {
  const name = nameIn(adapter.path);
  const importers = sources.filter((file) => file.path !== adapter.path && file.text.includes(`/${name}'`));
  const inner = importers.length > 0 && importers.every((file) => folderOf(file.path) === folderOf(adapter.path));
  return inner ? importers : [adapter];
}

export function checkContracts(tree: SourceTree, known: KnownGaps): string[] {
  const gaps = new Map<string, string>();
  const sources = tree.files.filter((file) => isTypeScript(file.path) && !isTest(file.path));
  const tests = tree.files.filter((file) => isTest(file.path));
  for (const port of sources.filter((file) => file.path.startsWith('src/ports/'))) {
    const name = port.path.slice('src/ports/'.length, -'.ts'.length);
    const interfaces = portInterfaces(port);
    for (const adapter of sources.filter((file) => file.path.startsWith('src/adapters/'))) {
      if (!interfaces.some((one) => offers(adapter, one))) continue;
      const suite = `${name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())}Contract`;
      const suites = tests.filter((test) => test.text.includes(`testing/contracts/${name}.ts`) || test.text.includes(`${suite}(`));
      const proved = facesOf(adapter, sources).every((face) => suites.some((test) => test.text.includes(`/${nameIn(face.path)}'`)));
      if (!proved) gaps.set(adapter.path, `${adapter.path} implements the port ${name} and does not run src/testing/contracts/${name}.ts`);
    }
  }
  return compareGaps(gaps, known.contracts, 'contracts');
}

export function checkLeftovers(tree: SourceTree): string[] {
  const marks = new RegExp(`\\b(?:${['FIX' + 'ME', 'TO' + 'DO', 'XX' + 'X'].join('|')})\\b|\\b(?:it|test|describe)\\.(?:only|skip)\\(`);
  return tree.files.flatMap((file) => file.text.split('\n').flatMap((line, at) => (marks.test(line) ? [`${file.path}:${at + 1} has a leftover: ${line.trim().slice(0, 80)}`] : [])));
}
