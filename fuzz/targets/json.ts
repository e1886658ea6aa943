/** JSON: what is read is written and read again to the same bytes, and every place that is asked for is in the text. */
import assert from 'node:assert/strict';
import { canonicalText } from '../../src/base/canonical-json.ts';
import { jsonLocator, parseJson } from '../../src/base/json-parse.ts';

/** As a program reads JSON. */
export const once = (bytes: Uint8Array): unknown => parseJson(bytes, { duplicates: 'last', onTooDeep: () => undefined });

export default function json(bytes: Uint8Array): void {
  const text = canonicalText(parseJson(bytes, { duplicates: 'last', onTooDeep: () => undefined }));
  assert(canonicalText(parseJson(text)) === text, 'canonical JSON is its own canonical form');
  const { line, column } = jsonLocator(bytes).at(['spec', 'run', 'argv', 0]);
  assert(line >= 1 && column >= 1, 'places are counted from 1');
}
