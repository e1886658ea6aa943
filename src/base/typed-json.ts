/** JSON as the reference reads a document of a known type. */
import type { Bytes } from './bytes.ts';
import { CellError } from './errors.ts';
import type { JsonValue } from './json.ts';
import { type JsonParseOptions, parseJson } from './json-parse.ts';

export type FloatReading = NonNullable<JsonParseOptions['floats']>;

/**
 * A member that stands twice is refused where the type knows it, and the last one counts anywhere else.
 *
 * @param known paths of the members the type knows
 * @param floats `exact`: a float that a signer printed is the one it signed. `reference`: by the reference's rule, which is not correctly rounded and
 *   breaks a few of its own signatures
 * @throws CellError `json.invalid`
 */
export function parseTypedJson(input: Bytes | string, known: ReadonlySet<string>, floats: FloatReading = 'exact'): JsonValue {
  let twice: string | undefined;
  const value = parseJson(input, {
    duplicates: 'last',
    floats,
    onDuplicate: (path) => {
      if (known.has(path)) twice ??= path;
    },
  });
  if (twice !== undefined) throw new CellError('json.invalid', `Cannot read JSON: the key "${twice}" is given twice`, { facts: { key: twice } });
  return value;
}
