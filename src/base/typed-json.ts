/** JSON as the reference reads a document of a known type. */
import type { Bytes } from './bytes.ts';
import { CellError } from './errors.ts';
import type { JsonValue } from './json.ts';
import { parseJson } from './json-parse.ts';

/**
 * A member that stands twice is refused where the type knows it, and the last one counts anywhere else; floats are read by the reference's
 * rule, so that their canonical bytes are the signer's.
 *
 * @param known paths of the members the type knows. @throws CellError `json.invalid`
 */
export function parseTypedJson(input: Bytes | string, known: ReadonlySet<string>): JsonValue {
  let twice: string | undefined;
  const value = parseJson(input, {
    duplicates: 'last',
    floats: 'reference',
    onDuplicate: (path) => {
      if (known.has(path)) twice ??= path;
    },
  });
  if (twice !== undefined) throw new CellError('json.invalid', `Cannot read JSON: the key "${twice}" is given twice`, { facts: { key: twice } });
  return value;
}
