/** What a file may not reach for by itself: clock and randomness in pure layers, the environment outside config/env.ts, silence in a catch. */
import ts from 'typescript';
import { ENVIRONMENT_FILE, PURE } from './layers.ts';
import { isTest, isTypeScript, lineOf, nodesOf, type SourceFile, type SourceTree } from './source-tree.ts';

const AMBIENT_MEMBERS = new Set(['Date.now', 'Math.random', 'crypto.getRandomValues', 'crypto.randomUUID']);
const AMBIENT_NAMES = new Set(['performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'process', 'globalThis']);
const CLOCKLESS = ['base', ...PURE];

function isOwnName(node: ts.Identifier): boolean {
  const { parent } = node;
  return (ts.isPropertyAccessExpression(parent) && parent.name === node) || ((ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent)) && parent.name === node);
}

function ambientUse(node: ts.Node, file: SourceFile): string | undefined {
  if (ts.isNewExpression(node) && node.expression.getText(file.tree) === 'Date' && (node.arguments?.length ?? 0) === 0) return 'new Date()';
  if (ts.isPropertyAccessExpression(node) && AMBIENT_MEMBERS.has(node.getText(file.tree))) return node.getText(file.tree);
  if (ts.isIdentifier(node) && AMBIENT_NAMES.has(node.text) && !isOwnName(node)) return node.text;
  return undefined;
}

/** `process.env`, `process['env']`, `{ env } = process`. */
function readsEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return ts.isIdentifier(node.expression) && node.expression.text === 'process' && node.name.text === 'env';
  if (ts.isElementAccessExpression(node)) return ts.isIdentifier(node.expression) && node.expression.text === 'process' && ts.isStringLiteral(node.argumentExpression) && node.argumentExpression.text === 'env';
  if (!ts.isVariableDeclaration(node) || !ts.isObjectBindingPattern(node.name) || node.initializer === undefined) return false;
  return ts.isIdentifier(node.initializer) && node.initializer.text === 'process' && node.name.elements.some((element) => (element.propertyName ?? element.name).getText() === 'env');
}

export function checkAmbient(tree: SourceTree): string[] {
  const findings: string[] = [];
  for (const file of tree.files) {
    if (!file.path.startsWith('src/') || !isTypeScript(file.path) || isTest(file.path)) continue;
    const clockless = CLOCKLESS.some((layer) => file.path.startsWith(`src/${layer}/`));
    for (const node of nodesOf(file.tree)) {
      const at = (): string => `${file.path}:${lineOf(file, node)}`;
      const used = clockless ? ambientUse(node, file) : undefined;
      if (used !== undefined) findings.push(`${at()} uses ${used}: time, randomness and the process come through ports`);
      if (file.path !== ENVIRONMENT_FILE && readsEnvironment(node)) findings.push(`${at()} reads process.env: only ${ENVIRONMENT_FILE} does`);
      if (ts.isCatchClause(node) && node.block.statements.length === 0) findings.push(`${at()} has an empty catch: say why with ignore(error, 'why')`);
    }
  }
  return findings;
}
