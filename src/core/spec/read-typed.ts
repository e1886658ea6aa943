/**
 * Bytes → a typed value other than a spec: JSON as the reference reads it, by the table of its type. Unknown keys are passed over, a known one
 * given twice is refused, at any depth.
 */
import type { Bytes } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { renderPath } from '../../base/json-path.ts';
import { decode } from './decode.ts';
import type { Shape } from './shape.ts';
import { isRepeatedIn, readJsonSource } from './source.ts';

/** @param what names the document in messages, as in "the authority ceiling". @throws CellError `json.invalid` | `document.invalid` with the facts `path` and `line` */
export function readTyped<T>(shape: Shape<T>, bytes: Bytes, what: string): T {
  const source = readJsonSource(bytes);
  const isRepeated = isRepeatedIn(source);
  const { value, errors } = decode(shape, source.value, { tooDeep: source.tooDeep, ...(isRepeated === undefined ? {} : { isRepeated }) });
  const [first] = errors.list;
  if (first === undefined && value !== undefined) return value;
  const path = renderPath(first?.path ?? []);
  const { line } = source.locate(first?.path ?? [], first?.atKey === true ? 'key' : 'value');
  throw new CellError('document.invalid', `Cannot read ${what} at line ${line}: ${path === '' ? 'it' : path} ${first?.message ?? 'is nested too deep'}`, { facts: { path, line } });
}
