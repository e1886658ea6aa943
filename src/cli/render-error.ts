/** An error on stderr: one line, or a headline and one line for each of several things. Pure. */
import { isCellError, messageOf } from '../base/errors.ts';
import { visible } from './render.ts';

function listIn(error: unknown, fact: string): readonly string[] {
  const value = isCellError(error) ? error.facts[fact] : undefined;
  return Array.isArray(value) ? value.map(String) : [];
}

/** @returns lines, the first beginning with `cellos: ` */
export function errorLines(error: unknown): string[] {
  const message = messageOf(error);
  const reasons = listIn(error, 'reasons');
  // The message holds the reasons too, for who sees nothing else; here each has its own line.
  const [head = '', ...more] = reasons.length > 0 ? [`${message.split(': ')[0]}:`, ...reasons] : message.split('\n');
  return [`cellos: ${visible(head)}`, ...[...more, ...listIn(error, 'candidates')].map((line) => `  ${visible(line)}`)];
}
