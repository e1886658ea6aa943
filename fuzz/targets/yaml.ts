/** YAML: what is read has a canonical form in JSON, and every place that is asked for is in the text. */
import assert from 'node:assert/strict';
import { readYaml } from '../../src/adapters/document/yaml-reader.ts';
import { canonicalText } from '../../src/base/canonical-json.ts';
import { parseJson } from '../../src/base/json-parse.ts';

export default function yaml(bytes: Uint8Array): void {
  const source = readYaml(bytes);
  const text = canonicalText(source.value);
  assert(canonicalText(parseJson(text)) === text, 'what YAML says can be said in JSON');
  const { line, column } = source.locate(['spec', 'run', 'argv', 0], 'key');
  assert(line >= 1 && column >= 1, 'places are counted from 1');
}
