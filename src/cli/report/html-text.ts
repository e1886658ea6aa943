/**
 * Text into HTML. The only place where a text that somebody chose meets markup.
 *
 *   HT1  a text is shown through `visible` first, so that control characters and what turns text around are seen, not obeyed [TX1]; then each of
 *        the five characters that mean something in markup is written as a reference: no text can open a tag, an attribute or a reference.
 */
import { visible } from '../render.ts';

const REFERENCES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For the content of elements and for attributes in double quotes [HT1]. A lone surrogate, which UTF-8 cannot hold, is shown as U+FFFD. */
export function html(text: string): string {
  return visible(text)
    .toWellFormed()
    .replace(/[&<>"']/g, (char) => REFERENCES[char] ?? char);
}
