/** An error on stderr: one line, or a headline and one line for each of several things. Pure. */
import { isCellError, messageOf } from '../base/errors.ts';
import { visible } from './render.ts';

function listIn(error: unknown, fact: string): readonly string[] {
  const value = isCellError(error) ? error.facts[fact] : undefined;
  return Array.isArray(value) ? value.map(String) : [];
}

/** Each thing that cannot be enforced: why, what to do, and the exact option that goes on without it. */
function refusalLines(error: unknown): string[] {
  const [items, asked, weaker, reasons] = ['items', 'asked', 'weaker', 'reasons'].map((fact) => listIn(error, fact)) as [readonly string[], readonly string[], readonly string[], readonly string[]];
  const lines = [`cellos: Cannot run the cell as asked; nothing was run. This host cannot enforce or provide ${items.length === 1 ? 'one thing' : `${items.length} things`}:`];
  for (const [at, name] of items.entries()) {
    lines.push(`  ${visible(name)}: asked ${visible(asked[at] ?? '')}`, `    ${visible(reasons[at] ?? '')}`);
    // Without the host's own means there is no weaker cell to allow.
    if (!name.startsWith('host.')) lines.push(`    To go on without it, with ${visible(weaker[at] ?? '')}: --allow-downgrade ${visible(name)}`);
  }
  return [...lines, ...whereRecorded(error).map((line) => `  ${line}`)];
}

/** Who asked and what was refused is evidence too. */
function whereRecorded(error: unknown): string[] {
  const runId = isCellError(error) ? error.facts['runId'] : undefined;
  return typeof runId === 'string' ? [`The refusal is recorded: cellos show ${visible(runId)}`] : [];
}

function nextStep(error: unknown): string[] {
  if (!isCellError(error, 'secret.missing')) return [];
  const ref = String(error.facts['ref'] ?? 'NAME');
  return [`Nothing was run. Set it, or say where it is: --secret ${ref}=env:VARIABLE or --secret ${ref}=file:/path`];
}

/** @returns lines, the first beginning with `cellos: ` */
export function errorLines(error: unknown): string[] {
  if (isCellError(error, 'plan.unsatisfiable') && listIn(error, 'items').length > 0) return refusalLines(error);
  const message = messageOf(error);
  const reasons = listIn(error, 'reasons');
  // The message holds the reasons too, for who sees nothing else; here each has its own line.
  // Only the findings of a document come in lines; elsewhere a line end is part of a name.
  const [head = '', ...more] = reasons.length > 0 ? [`${message.split(': ')[0]}:`, ...reasons] : isCellError(error, 'spec.invalid') ? message.split('\n') : [message];
  return [`cellos: ${visible(head)}`, ...[...more, ...listIn(error, 'candidates'), ...nextStep(error), ...(isCellError(error, 'policy.refused') ? whereRecorded(error) : [])].map((line) => `  ${visible(line)}`)];
}
