/** What was asked beside what is in force. Pure. */
import type { PlanItem } from '../core/plan/plan.ts';
import { bytesText, durationText, fit, pad, plural, type Style, table, visible, wrap } from './render.ts';

const WORDS: Readonly<Record<PlanItem['status'], string>> = { enforced: 'yes', downgraded: 'weaker', declared: 'noted', unsatisfiable: 'NO' };

function painted(item: PlanItem, style: Style, text: string): string {
  if (item.status === 'enforced') return style.green(text);
  if (item.status === 'downgraded') return style.yellow(text);
  return item.status === 'unsatisfiable' ? style.red(text) : style.dim(text);
}

/** Long digests and raw numbers say little to a reader; the JSON has them whole. */
function short(text: string): string {
  return visible(text)
    .replace(/\bsha256:([0-9a-f]{12})[0-9a-f]{52}\b/g, 'sha256:$1…')
    .replace(/\b(\d{4,15}) bytes\b/g, (_, bytes: string) => bytesText(Number(bytes)))
    .replace(/\b(\d{4,15}) ms\b/g, (_, ms: string) => durationText(Number(ms)));
}

/** Least width for all five columns; below, what nobody asked and the mechanism are left to wider screens and to the JSON. */
const WIDE = 120;

/** One row an item: five columns where the width allows, else name, answer, and what is in force, wrapped. */
export function planTable(items: readonly PlanItem[], options: { width: number; style: Style }): string[] {
  const { width, style } = options;
  const rows = items.map((item) => [visible(item.name), WORDS[item.status], short(item.asked), short(item.effective), short(item.mechanism)] as const);
  if (width < WIDE) {
    const left = Math.max(4, ...rows.map(([name]) => Math.min(name.length, 24)));
    const indent = ' '.repeat(left + 10);
    const lines = rows.flatMap(([name, word, asked, effective], at) => {
      const text = asked.startsWith('default') || effective.startsWith(asked) ? effective : `${asked} → ${effective}`;
      const [first = '', ...rest] = wrap(text, width, indent);
      return [`${pad(fit(name, left), left)}  ${painted(items[at] as PlanItem, style, word.padEnd(6))}  ${first.trimStart()}`, ...rest];
    });
    return [style.dim(`${pad('WHAT', left)}  MET     IN FORCE`), ...lines];
  }
  return table(
    [
      { title: 'WHAT', shrinkTo: 14 },
      { title: 'MET', paint: (text, row) => painted(items[row] as PlanItem, style, text) },
      { title: 'ASKED', shrinkTo: 20 },
      { title: 'IN FORCE', shrinkTo: 30 },
      { title: 'BY', shrinkTo: 12 },
    ],
    rows,
    options,
  );
}

/** Why things are weaker or refused, and what to do. */
export function planReasons(items: readonly PlanItem[], options: { width: number; style: Style; allowed: readonly string[] }): string[] {
  const { width, style } = options;
  const reason = (item: PlanItem): string[] => wrap(visible(item.reason ?? 'Not available here'), width, '    ');
  const lines: string[] = [];
  const refused = items.filter((item) => item.status === 'unsatisfiable');
  const weaker = items.filter((item) => item.status === 'downgraded');
  if (weaker.length > 0) lines.push('', style.yellow('Weaker than asked, or than the default:'));
  for (const item of weaker) lines.push(`  ${visible(item.name)}${options.allowed.includes(item.name) ? ' (allowed with --allow-downgrade)' : ''}`, ...reason(item));
  if (refused.length > 0) lines.push('', ...wrap(`cellos run would refuse this: ${plural(refused.length, 'thing')} cannot be enforced or provided here`, width).map(style.red));
  for (const item of refused) lines.push(`  ${visible(item.name)}`, ...reason(item), ...(item.name.startsWith('host.') ? [] : [`    To go on without it: --allow-downgrade ${visible(item.name)}`]));
  const unneeded = options.allowed.filter((name) => !items.some((item) => item.name === name && item.status === 'downgraded'));
  for (const name of unneeded) lines.push('', `--allow-downgrade ${visible(name)} is not needed here`);
  return lines;
}
