/** Sections about authority: asked and enforced, declared and used. Pure. */
import type { ItemStatus, ReportItem } from '../../core/projection/report/asked-enforced.ts';
import type { AuthorityUse, UseAnswer } from '../../core/projection/report/authority-use.ts';
import type { RunReport } from '../../core/projection/report/report-model.ts';
import { bytesText, durationText } from '../render.ts';
import { notesBlock, type PageText, plain, type Section, sectionOf, type Tone, toned } from './page.ts';

const MET: Readonly<Record<ItemStatus, readonly [string, Tone]>> = { enforced: ['yes', 'good'], downgraded: ['weaker', 'warn'], declared: ['noted only', 'quiet'], unsatisfiable: ['NO', 'bad'], unknown: ['unknown', 'warn'] };

/** Numbers as people read them; the model keeps them exact. */
export function readable(text: string): string {
  return text
    .replace(/\bsha256:([0-9a-f]{12})[0-9a-f]{52}\b/g, 'sha256:$1…')
    .replace(/\b(\d{4,15}) bytes\b/g, (_, bytes: string) => bytesText(Number(bytes)))
    .replace(/\b(\d{4,15})(?:\.\d+)? ms\b/g, (_, ms: string) => durationText(Number(ms)));
}

function seenBy({ observed }: ReportItem): PageText {
  if (observed === undefined) return toned('quiet', 'not observed');
  return observed.agrees ? plain(readable(observed.text)) : toned('bad', `otherwise: ${observed.text}`);
}

function itemNotes(items: readonly ReportItem[]): PageText[] {
  return items.flatMap((item) => {
    if (item.status === 'downgraded') return [toned('warn', `${item.name} is weaker${item.byDefault ? ' than the default' : ' than asked'}${item.allowed ? ', allowed by its name with --allow-downgrade' : ''}: ${item.reason ?? 'no reason is given'}`)];
    return item.status === 'unsatisfiable' ? [toned('bad', `${item.name} cannot be enforced or provided on this host: ${item.reason ?? 'no reason is given'}`)] : [];
  });
}

const WHOLE = 'Each thing that was asked or is given by default, what was in force, by what mechanism, and what the kernel was seen to say of it';
const REFUSED = 'Nothing was run. Each thing that was asked or is given by default, and what this host would have enforced of it';

export function itemsSection({ items, run }: RunReport): Section[] {
  const refused = run.refused.length > 0;
  const rows = items.map((item) => {
    const [word, tone] = refused && item.status === 'enforced' ? (['would be', undefined] as const) : MET[item.status];
    const asked = item.byDefault ? toned('quiet', readable(item.asked)) : plain(readable(item.asked));
    return [plain(item.name), toned(tone, word), asked, plain(readable(item.effective)), plain(readable(item.mechanism)), ...(refused ? [] : [seenBy(item)])];
  });
  return sectionOf('asked', 'Asked and enforced', [
    {
      kind: 'table',
      caption: refused ? REFUSED : WHOLE,
      columns: [{ title: 'What', least: 17, code: true }, { title: 'Met', least: 7 }, { title: 'Asked', least: 10 }, { title: refused ? 'Would be in force' : 'In force', least: 16 }, { title: 'By', least: 14, optional: true }, ...(refused ? [] : [{ title: 'Seen by the kernel', least: 14, optional: true }])],
      rows,
    },
    notesBlock(itemNotes(items)),
  ]);
}

const USE: Readonly<Record<UseAnswer, readonly [string, Tone | undefined]>> = {
  used: ['used', 'good'],
  unused: ['not used', 'warn'],
  'not-observed': ['not observed', 'quiet'],
  'not-enforced': ['not enforced', 'warn'],
  impossible: ['could not be used', 'warn'],
  refused: ['refused', 'bad'],
};

function useRow({ kind, name, declared, use, seen }: AuthorityUse): PageText[] {
  const [word, tone] = USE[use];
  return [plain(kind), plain(name), plain(readable(declared)), toned(tone, word), plain(readable(seen))];
}

export function authoritySection({ authority, gaps, run }: RunReport): Section[] {
  if (run.refused.length > 0) return sectionOf('authority', 'Declared and used authority', [notesBlock([toned('quiet', 'Nothing was run: nothing was used.')])]);
  const unobserved = authority.some(({ use }) => use === 'not-observed');
  const notes: PageText[] = [];
  if (unobserved) notes.push(toned('quiet', '“Not observed” means that no record could tell: it is no evidence that something was not used.'));
  if (gaps.withheld.length > 0 || gaps.unreadable > 0) notes.push(toned('warn', 'Records are missing: what they would tell about uses is not here.'));
  return sectionOf('authority', 'Declared and used authority', [
    {
      kind: 'table',
      caption: 'What the command was given, and what was seen of its use',
      columns: [{ title: 'Kind', least: 8 }, { title: 'What', least: 12, code: true }, { title: 'Declared', least: 10, optional: true }, { title: 'Used', least: 9 }, { title: 'What was seen', least: 20 }],
      rows: authority.map(useRow),
    },
    notesBlock(authority.length === 0 ? [toned('quiet', 'Nothing was given beside the default cell: no secret, no network, no file of the host, no artifact.')] : notes),
  ]);
}
