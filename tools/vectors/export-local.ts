/** vectors/adapters/export-local.json: the folder it leaves and the receipt it gives, against ours. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createLocalExport } from '../../src/adapters/export/local.ts';
import { systemRandom } from '../../src/adapters/os/random.ts';
import { isJsonArray, isJsonObject, type JsonValue } from '../../src/base/json.ts';
import type { VectorAdapter, VectorCase } from './vector.ts';

async function* bytesOf(text: string | undefined): AsyncGenerator<Uint8Array> {
  if (text === undefined) throw new Error('the source cannot be read');
  yield text.startsWith('hex ') ? Buffer.from(text.slice(4), 'hex') : Buffer.from(text === 'empty' ? '' : text);
}

/** `name → text` of a folder in the form of the vectors. */
function tree(root: string): Record<string, unknown> | null {
  if (!existsSync(root)) return null;
  const found: Record<string, unknown> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = `${entry.parentPath}/${entry.name}`;
    const name = path.slice(root.length + 1);
    if (entry.isDirectory()) found[`${name}/`] = 'dir';
    else if (entry.isFile()) found[name] = /^[\n\r\x20-\x7e]*$/.test(readFileSync(path, 'latin1')) ? readFileSync(path, 'utf8') : { hex: readFileSync(path, 'hex') };
  }
  return found;
}

const text = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

function prepare(vector: VectorCase, dir: string): void {
  const { input, name } = vector;
  const existing = text(input['existing']);
  if (existing !== undefined || input['planted'] !== undefined) mkdirSync(`${dir}/out/c`, { recursive: true });
  if (existing !== undefined) writeFileSync(`${dir}/out/c/a`, existing);
  if (input['planted'] !== undefined) {
    symlinkSync('../../victim', `${dir}/out/c/a`);
    writeFileSync(`${dir}/victim`, 'secret');
  }
  if (name === 'root-is-file') writeFileSync(`${dir}/out`, '');
}

function checkPush(result: JsonValue | undefined, receipt: { targetKind: string; destination: string; bytesWritten: number } | undefined): void {
  const ok = isJsonObject(result) && isJsonObject(result['ok']) ? result['ok'] : undefined;
  assert.equal(receipt !== undefined, ok !== undefined, receipt === undefined ? 'refused, and the reference delivers' : 'delivered, and the reference refuses');
  if (ok !== undefined) assert.equal(JSON.stringify({ targetKind: receipt?.targetKind, targetName: null, destination: receipt?.destination, bytesWritten: receipt?.bytesWritten }), ok['receipt_json']);
}

const run: VectorAdapter = async (vector) => {
  const { input, expect, name } = vector;
  const dir = mkdtempSync(`${tmpdir()}/cellos-vectors-`);
  const sink = createLocalExport(`${dir}/out`, systemRandom);
  const push = (artifact: string, source: string | undefined) =>
    sink.push({ cellId: text(input['cell_id']) ?? '', name: artifact }, bytesOf(source), { signal: new AbortController().signal }).catch(() => undefined);
  try {
    prepare(vector, dir);
    if (input['name'] === undefined && input['pushes'] === undefined) {
      const receipt = await push('a.txt', 'x');
      const ok = isJsonObject(expect['ok']) ? expect['ok'] : undefined;
      assert.deepEqual(receipt === undefined ? undefined : [receipt.destination, receipt.targetKind], ok === undefined ? undefined : [ok['hint_for_a.txt'], ok['target_kind']]);
      return;
    }
    const unreadable = text(input['source']) !== undefined || name === 'source-is-directory';
    if (isJsonArray(input['pushes'])) {
      const results = isJsonArray(expect['push']) ? expect['push'] : [];
      for (const [i, one] of input['pushes'].entries()) checkPush(results[i], isJsonArray(one) ? await push(String(one[0]), String(one[1])) : undefined);
    } else checkPush(expect['push'], await push(text(input['name']) ?? '', unreadable ? undefined : (text(input['source_text']) ?? 'hello\n')));
    if (expect['out'] !== undefined) assert.deepEqual(tree(`${dir}/out`), JSON.parse(JSON.stringify(expect['out'])));
    if (expect['victim'] !== undefined) assert.equal(readFileSync(`${dir}/victim`, 'utf8'), expect['victim']);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

export const exportAdapters: Readonly<Record<string, VectorAdapter>> = { 'adapters/export-local': run };
