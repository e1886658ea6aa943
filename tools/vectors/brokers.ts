/**
 * vectors/adapters/{broker-env,broker-file}.json: a key, where its value is, and the value that comes out.
 *
 *   VB1  an empty value is one no cell gets; the reference refuses it one step later.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isJsonObject, type JsonObject } from '../../src/base/json.ts';
import { supervisorBroker } from '../../src/compose/supervisor/secrets.ts';
import { readSupervisorConfig } from '../../src/config/supervisor.ts';
import type { ExecutionCellSpec } from '../../src/core/spec/document.ts';
import { optionalText, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

const signal = new AbortController().signal;

async function check(key: string, env: Record<string, string>, { expect, leased }: { expect: JsonObject; leased: boolean }): Promise<void> {
  const spec: ExecutionCellSpec = { id: 'c', authority: { secretRefs: [key] }, lifetime: { ttlSeconds: 60n }, run: { argv: ['/bin/true'], secretDelivery: leased ? 'runtimeLeasedBroker' : 'env' } };
  const value = await supervisorBroker(readSupervisorConfig(env).config, env, spec)
    .lease(key, { ttlMs: 60_000, signal })
    .then(async (lease) => Buffer.from((await lease.read({ signal })).reveal()).toString(), () => undefined);
  const wanted = isJsonObject(expect['ok']) ? textMember(expect['ok'], 'value') : undefined;
  assert.equal(value, wanted === '' ? undefined : wanted); // VB1
}

const env: VectorAdapter = async ({ input, expect }) => {
  const leased = input['operation'] === 'prepare';
  const set = input['env_hex'] ?? input['env'];
  // What the runtime makes of bytes that are no text.
  const variables = isJsonObject(set) ? Object.entries(set).map(([name, value]) => [name, input['env_hex'] === undefined ? String(value) : Buffer.from(String(value), 'hex').toString()]) : [];
  await check(leased ? 'A' : textMember(input, 'key'), { CELLOS_BROKER: 'env', ...Object.fromEntries(variables) }, { expect, leased });
};

const file: VectorAdapter = async ({ input, expect }) => {
  const dir = mkdtempSync(`${tmpdir()}/cellos-vectors-`);
  try {
    writeFileSync(`${dir}/f`, input['file_hex'] === undefined ? 'v' : Buffer.from(textMember(input, 'file_hex'), 'hex'));
    mkdirSync(`${dir}/sub`);
    writeFileSync(`${dir}/sub/g`, 'deep');
    for (const [link, target] of [['ln', 'f'], ['dangling', 'nowhere'], ['lnsub', 'sub']] as const) symlinkSync(target, `${dir}/${link}`);
    const path = input['file_hex'] === undefined ? (optionalText(input['path']) ?? optionalText(input['CELLOS_SECRET_FILE_K'])) : `${dir}/f`;
    await check(textMember(input, 'key'), { CELLOS_BROKER: 'file', ...(path === undefined ? {} : { CELLOS_SECRET_FILE_K: path.replaceAll('{dir}', dir) }) }, { expect, leased: false });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

export const brokerAdapters: Readonly<Record<string, VectorAdapter>> = { 'adapters/broker-env': env, 'adapters/broker-file': file };
