/** Documents: strict accepts nothing that compatible refuses, findings have places, and printing what was read changes nothing. */
import assert from 'node:assert/strict';
import { readYaml } from '../../src/adapters/document/yaml-reader.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { EXECUTION_CELL_DOCUMENT } from '../../src/core/spec/document-shape.ts';
import { encodeText } from '../../src/core/spec/encode.ts';
import { checkSpec } from '../../src/core/spec/parse.ts';

/** As a program reads a document. */
export function once(bytes: Uint8Array): void {
  checkSpec(bytes, { mode: 'strict', yaml: readYaml });
}

export default function spec(bytes: Uint8Array): void {
  const strict = checkSpec(bytes, { mode: 'strict', yaml: readYaml });
  const compatible = checkSpec(bytes, { mode: 'compatible', yaml: readYaml });
  if (strict.kind === 'ok') assert(compatible.kind === 'ok', 'strict accepts less than compatible');
  if (compatible.kind === 'invalid') {
    assert(compatible.issues.length > 0 && compatible.errorCount > 0, 'a refusal says why');
    for (const { line, column } of compatible.issues) assert(line >= 1 && column >= 1, 'places are counted from 1');
    return;
  }
  const { document, specHash } = compatible.document;
  const again = checkSpec(utf8(encodeText(EXECUTION_CELL_DOCUMENT, document)), { mode: 'compatible', format: 'json' });
  assert(again.kind === 'ok' && again.document.specHash === specHash, 'what is printed is what was read');
}
