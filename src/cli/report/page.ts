/**
 * A report as a page without a medium: sections of facts, tables, notes and one picture. The terminal and the browser are two renderers of it.
 *
 *   PG1  every text here is plain, whoever chose it: the renderer of a medium makes it harmless there, once and for all of them.
 */
import type { Lane, Lanes } from '../../core/projection/report/run-times.ts';
import { durationText, plural } from '../render.ts';

/** What a text means for the reader; never told by colour alone. */
export type Tone = 'good' | 'warn' | 'bad' | 'quiet';

export interface PageText {
  readonly text: string;
  readonly tone?: Tone | undefined;
  /** A digest, a path, a command. */
  readonly code?: boolean;
}

export interface FactsBlock {
  readonly kind: 'facts';
  readonly rows: readonly (readonly [name: string, value: PageText])[];
}

export interface PageColumn {
  readonly title: string;
  /** Least width on a terminal before the table is told as a list, columns. */
  readonly least?: number;
  /** Left out on a narrow terminal, which says so. */
  readonly optional?: boolean;
  readonly right?: boolean;
  /** Digests, paths, arguments. */
  readonly code?: boolean;
}

export interface TableBlock {
  readonly kind: 'table';
  /** What the table says, as a sentence without its full stop. */
  readonly caption: string;
  readonly columns: readonly PageColumn[];
  readonly rows: readonly (readonly PageText[])[];
  /** What is left out. */
  readonly more?: string;
}

export interface NotesBlock {
  readonly kind: 'notes';
  readonly notes: readonly PageText[];
}

export interface PictureBlock {
  readonly kind: 'picture';
  /** In words, for who cannot see it. */
  readonly about: string;
  readonly lanes: Lanes;
}

export type Block = FactsBlock | TableBlock | NotesBlock | PictureBlock;

export interface Section {
  /** Letters and dashes; the anchor of the section. */
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export interface ReportPage {
  readonly title: string;
  readonly verdict: PageText;
  /** What the verdict means. */
  readonly meaning: string;
  /** One line each: what a reader has to know first. */
  readonly glance: readonly PageText[];
  readonly sections: readonly Section[];
  readonly footer: string;
}

export function plain(text: string | number | undefined): PageText {
  return { text: text === undefined ? '' : String(text) };
}

export function toned(tone: Tone | undefined, text: string): PageText {
  return tone === undefined ? { text } : { text, tone };
}

/** How long a lane is, by the monotonic clock where there is one; of artifacts, how many. */
export function tookText({ kind, fromMs, toMs, tookMs, marks }: Lane): string {
  if (kind === 'export') return plural(marks.length, 'artifact');
  return toMs === undefined ? 'no end' : durationText(tookMs ?? toMs - fromMs);
}

/** Only the facts that there are. */
export function factsBlock(rows: readonly (readonly [string, string | undefined] | readonly [string, string | undefined, Tone | 'code' | undefined])[]): FactsBlock {
  return { kind: 'facts', rows: rows.flatMap(([name, text, how]) => (text === undefined || text === '' ? [] : [[name, how === 'code' ? { text, code: true } : toned(how, text)] as const])) };
}

export function notesBlock(notes: readonly PageText[]): NotesBlock {
  return { kind: 'notes', notes };
}

/** A section without anything to say is left out. */
export function sectionOf(id: string, title: string, blocks: readonly Block[]): Section[] {
  const said = blocks.filter((block) => (block.kind === 'notes' ? block.notes.length > 0 : block.kind === 'picture' ? block.lanes.lanes.length > 0 : block.rows.length > 0));
  return said.length === 0 ? [] : [{ id, title, blocks: said }];
}
