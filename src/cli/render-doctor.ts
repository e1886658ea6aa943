/** The diagnosis of a host. Pure. */
import type { Check, Diagnosis } from '../compose/doctor.ts';
import { pad, type Style, visible, wrap } from './render.ts';

const WORDS: Readonly<Record<Check['status'], string>> = { ok: 'ok', weaker: 'weaker', failed: 'FAILED', skipped: 'skipped' };

function paintOf(status: Check['status'], style: Style): (text: string) => string {
  if (status === 'ok') return style.green;
  if (status === 'failed') return style.red;
  return status === 'weaker' ? style.yellow : style.dim;
}

const VERDICT: Readonly<Record<Diagnosis['strength'], string>> = {
  full: 'This host runs cells at full strength.',
  weaker: 'This host runs cells, and cannot enforce all that it could: see what is marked above. Each run says so in its evidence.',
  none: 'This host cannot run cells yet. What to do stands above; then run cellos doctor again.',
};

export function doctorLines(diagnosis: Diagnosis, options: { width: number; style: Style }): string[] {
  const { width, style } = options;
  const name = Math.max(...diagnosis.checks.map((check) => check.name.length));
  const indent = ' '.repeat(name + 11);
  const lines = diagnosis.checks.flatMap((check) => {
    const [first = '', ...rest] = wrap(visible(check.found), width, indent);
    const fix = (check.fix ?? []).flatMap((text) => wrap(`→ ${visible(text)}`, width, indent));
    return [`${paintOf(check.status, style)(pad(WORDS[check.status], 7))}  ${pad(check.name, name)}  ${first.trimStart()}`, ...rest, ...fix.map((line) => style.bold(line))];
  });
  const paint = diagnosis.strength === 'full' ? style.green : diagnosis.strength === 'none' ? style.red : style.yellow;
  const next = diagnosis.strength === 'none' ? [] : ['Next: cellos run -- echo hello'];
  return [...lines, '', ...wrap(VERDICT[diagnosis.strength], width).map(paint), ...next];
}
