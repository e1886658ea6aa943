/**
 * Files of at most 400 lines, functions of at most 70. What is longer stands in tools/walls/allowance.json with its present size:
 *
 *   Z1  nothing grows beyond its entry;
 *   Z2  an entry that is larger than what it allows, or allows what no longer needs it, fails too: the list only shrinks.
 */
import ts from 'typescript';
import { isTest, isTypeScript, nodesOf, type SourceFile, type SourceTree } from './source-tree.ts';

export const FILE_LINES_MAX = 400;
export const FUNCTION_LINES_MAX = 70;

function nameOf(node: ts.Node, file: SourceFile): string {
  for (let at: ts.Node = node; at.parent !== undefined; at = at.parent) {
    if ((ts.isFunctionDeclaration(at) || ts.isMethodDeclaration(at) || ts.isVariableDeclaration(at) || ts.isPropertyAssignment(at)) && at.name !== undefined) return at.name.getText(file.tree);
    if (ts.isConstructorDeclaration(at)) return 'constructor';
  }
  return 'anonymous';
}

/** Long functions of a TypeScript file, the outermost of nested ones with the rest. */
function longFunctions(file: SourceFile): [string, number][] {
  const found: [string, number][] = [];
  for (const node of nodesOf(file.tree)) {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) continue;
    const start = file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line;
    const lines = file.tree.getLineAndCharacterOfPosition(node.end).line - start + 1;
    if (lines > FUNCTION_LINES_MAX) found.push([`${file.path}#${nameOf(node, file)}`, lines]);
  }
  return found;
}

/** A C function begins in the first column and ends with a brace there. */
function longCFunctions(file: SourceFile): [string, number][] {
  const found: [string, number][] = [];
  let name = '';
  let start = -1;
  for (const [at, line] of file.text.split('\n').entries()) {
    const opened = /^[a-z][\w\s*]*?(\w+)\(.*\) \{$/.exec(line);
    if (opened !== null) [name, start] = [opened[1] ?? '', at];
    if (line === '}' && start >= 0 && at - start + 1 > FUNCTION_LINES_MAX) found.push([`${file.path}#${name}`, at - start + 1]);
    if (line === '}') start = -1;
  }
  return found;
}

export function oversized(tree: SourceTree): Map<string, number> {
  const found = new Map<string, number>();
  for (const file of tree.files) {
    if (file.lineCount > FILE_LINES_MAX) found.set(file.path, file.lineCount);
    if (isTest(file.path)) continue;
    if (isTypeScript(file.path)) for (const [name, lines] of longFunctions(file)) found.set(name, lines);
    else if (file.path.endsWith('.c')) for (const [name, lines] of longCFunctions(file)) found.set(name, lines);
  }
  return found;
}

export function checkSizes(tree: SourceTree, allowed: Readonly<Record<string, number>>): string[] {
  const found = oversized(tree);
  const findings: string[] = [];
  for (const [name, lines] of found) {
    const bound = name.includes('#') ? FUNCTION_LINES_MAX : FILE_LINES_MAX;
    if (lines > (allowed[name] ?? bound)) findings.push(`${name} has ${lines} lines, more than ${allowed[name] ?? bound}: divide it`); // Z1
  }
  for (const [name, lines] of Object.entries(allowed)) {
    const now = found.get(name);
    if (now === undefined) findings.push(`${name} needs no allowance any more: take it out of tools/walls/allowance.json`); // Z2
    else if (now < lines) findings.push(`${name} has shrunk to ${now} lines: lower its allowance of ${lines} in tools/walls/allowance.json`);
  }
  return findings;
}
