/** Evidence, and what it is judged by, as it lies on disk, for those who read it: the commands, and the verifier that ships alone. Loads no backend. */
import { readFileSync } from 'node:fs';
import type { Bytes } from '../base/bytes.ts';
import { CellError, isCellError, messageOf } from '../base/errors.ts';

export { bundleAt, fileBytes } from '../adapters/os/bundle-files.ts';

/**
 * What `parse` makes of a file.
 * @param what what it should be, as in "the trust file"
 * @throws CellError `usage.invalid` when it cannot be read; what `parse` throws, with the name of the file
 */
export function parsedFile<T>(path: string, what: string, parse: (bytes: Bytes) => T): T {
  let bytes: Bytes;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new CellError('usage.invalid', `Cannot read ${what} ${path}: ${messageOf(error)}`, { cause: error, facts: { path } });
  }
  try {
    return parse(bytes);
  } catch (error) {
    if (!isCellError(error)) throw error;
    throw new CellError(error.code, `${error.message} (${what} ${path})`, { cause: error, facts: error.facts });
  }
}
