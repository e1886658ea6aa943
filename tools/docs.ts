/** Writes the reference pages that are made from tables of the source: `npm run docs`. A test holds the committed files to them. */
import { writeFileSync } from 'node:fs';
import { ERROR_CODES } from '../src/base/errors.ts';
import { EVENTS, type EventTypeInfo } from '../src/core/events/catalogue.ts';
import { eventSchema } from '../src/core/events/schemas.ts';

const MADE = '<!-- Made by `npm run docs`; change the table in the source instead. -->';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function eventRows(origin: EventTypeInfo['origin']): string[][] {
  return Object.values(EVENTS)
    .filter((info) => info.origin === origin)
    .map(({ type, about }) => [`\`${type}\``, about])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}

export function eventsPage(): string {
  return `# Event types

${MADE}

Every event is a CloudEvent 1.0 in JSON, signed over its canonical form. \`cellos events ID\` shows those of a run.
[events.schema.json](events.schema.json) is the JSON Schema (draft 2020-12) of all of them, \`data\` included.

## Of CellOS itself

${table(['Type', 'What it says'], eventRows('cellos'))}

## Shared with the Rust CellOS

Same names, same members, same signed bytes.

${table(['Type', 'What it says'], eventRows('reference'))}
`;
}

const RETRY = { never: 'no', backoff: 'yes, after a while', operator: 'once somebody has acted' } as const;

export function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, { about, retry, exit, http }]) => [`\`${code}\``, about, RETRY[retry], String(exit), String(http)]);
  return `# Errors

${MADE}

Branch on the code, never on the text of a message. The exit code is the one of \`cellos\`; the status is the one of the HTTP API.

${table(['Code', 'What it means', 'Does trying again help?', 'Exit code', 'HTTP status'], rows)}
`;
}

/** Indented, with integers beyond 2^53 written out. */
export function eventSchemaText(): string {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return `${JSON.stringify(eventSchema(), (_key, value: unknown) => (typeof value === 'bigint' ? rawJSON(String(value)) : value), 2)}\n`;
}

/** Pages by their place beneath docs/. */
export const PAGES: Readonly<Record<string, () => string>> = { 'events.md': eventsPage, 'errors.md': errorsPage, 'events.schema.json': eventSchemaText };

if (import.meta.main) for (const [name, page] of Object.entries(PAGES)) writeFileSync(`${import.meta.dirname}/../docs/${name}`, page());
