/**
 * The report as one HTML page that needs nothing else: no script, no font, no picture, no network. Pure.
 *
 *   HR1  every text goes through `html` [HT1]; everything else in the markup is written here;
 *   HR2  its own policy forbids all that is not in it: no script at all, and no style sheet but the one whose digest it names;
 *   HR3  read without colours, without sight or on paper it says the same: marks and words beside colours, headings, captions, a table for the picture.
 */
import { toBase64, utf8 } from '../../base/bytes.ts';
import { sha256 } from '../../base/crypto.ts';
import { visible } from '../render.ts';
import { html } from './html-text.ts';
import { picture } from './html-picture.ts';
import { STYLE } from './html-style.ts';
import type { Block, FactsBlock, PageText, ReportPage, Section, TableBlock, Tone } from './page.ts';

const MARKS: Readonly<Record<Tone, string>> = { good: '✓', warn: '!', bad: '✗', quiet: '·' };
/** What a mark says to who hears the page. */
const SPOKEN: Readonly<Record<Tone, string>> = { good: 'good', warn: 'attention', bad: 'problem', quiet: 'note' };
const PILL_MAX = 22;
const WORD_MAX = 24;

/** Short words as a pill, longer ones in the colour. */
function tonedMarkup({ text, tone }: PageText): string {
  if (tone === undefined) return html(text);
  return tone !== 'quiet' && text.length <= PILL_MAX ? `<span class="pill ${tone}">${html(text)}</span>` : `<span class="${tone}">${html(text)}</span>`;
}

function facts({ rows }: FactsBlock): string {
  return `<dl class="facts">${rows.map(([name, value]) => `<div><dt>${html(name)}</dt><dd>${value.code === true ? `<code>${html(value.text)}</code>` : tonedMarkup(value)}</dd></div>`).join('')}</dl>`;
}

function noteItems(notes: readonly PageText[]): string {
  return notes.map(({ text, tone }) => `<li class="${tone ?? 'quiet'}"><span class="mark" role="img" aria-label="${SPOKEN[tone ?? 'quiet']}">${MARKS[tone ?? 'quiet']}</span><span>${html(text)}</span></li>`).join('');
}

/** Such a word may be broken anywhere; any other stays whole. */
function hasLongWord(text: string): boolean {
  return visible(text).split(' ').some((word) => word.length > WORD_MAX);
}

/** The roles are said again: a narrow screen shows rows as cards, and some browsers forget then that it is a table. */
function table({ caption, columns, rows, more }: TableBlock): string {
  const heads = columns.map(({ title, right }) => `<th scope="col" role="columnheader"${right === true ? ' class="num"' : ''}>${html(title)}</th>`).join('');
  const body = rows
    .map((cells) => {
      const tds = columns.map(({ title, right, code }, at) => {
        const cell = cells[at];
        const classes = [...(right === true ? ['num'] : []), ...(hasLongWord(cell?.text ?? '') ? ['long'] : [])].join(' ');
        const names = classes === '' ? '' : ` class="${classes}"`;
        if (cell === undefined || cell.text === '') return `<td role="cell"${names}></td>`;
        const inner = code === true ? `<code>${tonedMarkup(cell)}</code>` : tonedMarkup(cell);
        // The first column says what the row is about.
        return at === 0 ? `<th role="rowheader" scope="row"${names} data-title="${html(title)}">${inner}</th>` : `<td role="cell"${names} data-title="${html(title)}">${inner}</td>`;
      });
      return `<tr role="row">${tds.join('')}</tr>`;
    })
    .join('\n');
  return `<div><table role="table"><caption>${html(caption)}</caption><thead role="rowgroup"><tr role="row">${heads}</tr></thead><tbody role="rowgroup">\n${body}\n</tbody></table>${more === undefined ? '' : `<p class="more">${html(more)}</p>`}</div>`;
}

function block(one: Block, id: string): string {
  switch (one.kind) {
    case 'facts':
      return facts(one);
    case 'notes':
      return `<ul class="notes">${noteItems(one.notes)}</ul>`;
    case 'picture':
      return picture(one.lanes, one.about, `${id}-picture`);
    case 'table':
      return table(one);
  }
}

function section({ id, title, blocks }: Section): string {
  return `<section aria-labelledby="${html(id)}"><h2 id="${html(id)}">${html(title)}</h2>\n${blocks.map((one) => block(one, html(id))).join('\n')}\n</section>`;
}

/** [HR2] */
export function contentPolicy(style: string): string {
  return `default-src 'none'; style-src 'sha256-${toBase64(sha256(utf8(style)))}'; base-uri 'none'; form-action 'none'`;
}

export function reportHtml(page: ReportPage): string {
  const { title, verdict, meaning, glance, sections, footer } = page;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(STYLE)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${html(title)}: ${html(verdict.text)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#main">To the report</a>
<header>
<p class="brand">CellOS run report</p>
<h1>${html(title)}</h1>
<p class="verdict ${verdict.tone ?? 'quiet'}"><strong>${MARKS[verdict.tone ?? 'quiet']} ${html(verdict.text)}</strong><span>${html(meaning)}</span></p>
<ul class="glance">${noteItems(glance)}</ul>
</header>
<nav aria-label="Sections"><ul>${sections.map((one) => `<li><a href="#${html(one.id)}">${html(one.title)}</a></li>`).join('')}</ul></nav>
<main id="main">
${sections.map(section).join('\n')}
</main>
<footer><p>${html(footer)}</p></footer>
</body>
</html>
`;
}
