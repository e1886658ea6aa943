/**
 * Adapters of vectors/supervisor: the real program is run, with exactly the environment of the case, in a folder of its own; its events, exit code,
 * output, errors by their rules, files and requests have to be those of the transcript.
 *
 *   VS1  one variable is added, the state folder: evidence of vectors does not belong to this host.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { canonicalText } from '../../src/base/canonical-json.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { parseJson } from '../../src/base/json-parse.ts';
import { objectMember, optionalText, textMember } from './expect.ts';
import { Bindings } from './supervisor-match.ts';
import { sameErrorLine } from './supervisor-rules.ts';
import { streamAdapters } from './supervisor-streams.ts';
import { Skipped, type VectorAdapter, type VectorCase } from './vector.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/cellos-supervisor', import.meta.url));
const DEFAULT_TIMEOUT_MS = 60_000;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly content_type: string | null;
  readonly user_agent: string | null;
  readonly body: string;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function requireHost({ raw }: VectorCase): void {
  const needs = isJsonArray(raw['requires']) ? raw['requires'].map(String) : [];
  if (needs.includes('root') && process.geteuid?.() !== 0) throw new Skipped('needs root');
}

/** Fills in what a case cannot know: its folder, the program, the port of its server. */
function filler(dir: string, port: number): (text: string) => string {
  return (text) => text.replaceAll('<dir>', dir).replaceAll('<supervisor>', PROGRAM).replaceAll('<port>', String(port));
}

function writeFiles(dir: string, files: JsonValue | undefined, fill: (text: string) => string): void {
  if (!isJsonObject(files)) return;
  for (const [name, what] of Object.entries(files)) {
    const path = `${dir}/${name}`;
    mkdirSync(dirname(path), { recursive: true });
    if (typeof what === 'string') writeFileSync(path, fill(what));
    else if (isJsonObject(what) && what['dir'] !== undefined) mkdirSync(path, { recursive: true });
    else if (isJsonObject(what) && typeof what['symlink'] === 'string') symlinkSync(fill(what['symlink']), path);
    else if (isJsonObject(what) && typeof what['hex'] === 'string') writeFileSync(path, Buffer.from(what['hex'], 'hex'));
    else assert.fail(`no such kind of file: ${JSON.stringify(what)}`);
  }
}

async function startServer(asked: JsonObject): Promise<{ server: Server; requests: Request[]; port: number }> {
  const statuses = isJsonArray(asked['respond_statuses_then_200']) ? asked['respond_statuses_then_200'].map(Number) : [];
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void parts.push(chunk));
    request.on('end', () => {
      const header = (name: string): string | null => (typeof request.headers[name] === 'string' ? request.headers[name] : null);
      requests.push({ method: request.method ?? '', path: request.url ?? '', authorization: header('authorization'), content_type: header('content-type'), user_agent: header('user-agent'), body: Buffer.concat(parts).toString() });
      response.writeHead(statuses.shift() ?? 200).end(optionalText(asked['body']) ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, requests, port: (server.address() as AddressInfo).port };
}

async function sendSignal(asked: JsonObject, dir: string, kill: (name: NodeJS.Signals) => void): Promise<void> {
  const [, file = '', delay = '100'] = [undefined, /created (\S+)$/.exec(String(asked['when']))?.[1], /^(\d+) ms/.exec(String(asked['when']))?.[1]];
  for (let waited = 0; waited < DEFAULT_TIMEOUT_MS && !existsSync(`${dir}/${file}`); waited += 20) await wait(20);
  await wait(Number(delay));
  kill(String(asked['signal']) as NodeJS.Signals);
}

function runOnce(vector: VectorCase, dir: string, fill: (text: string) => string): Promise<Ended> {
  const { input } = vector;
  const env = Object.fromEntries(Object.entries(objectMember(input, 'env')).map(([name, value]) => [name, fill(String(value))]));
  const args = isJsonArray(input['args']) ? input['args'].map((arg) => fill(String(arg))) : [];
  return new Promise((resolve, reject) => {
    const child = spawn(PROGRAM, args, { cwd: dir, env: { ...env, CELLOS_STATE_DIR: `${dir}.state` }, stdio: 'pipe', timeout: DEFAULT_TIMEOUT_MS }); // VS1
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(optionalText(input['stdin']) ?? '');
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    if (isJsonObject(input['send_signal'])) void sendSignal(input['send_signal'], dir, (name) => child.kill(name));
  });
}

/** Texts after `Error: `, without the lines of causes and of what else is wrong. */
function errorsOf(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('Error: ')).map((line) => line.slice('Error: '.length));
}

function checkErrors(vector: VectorCase, stderr: string, fill: (text: string) => string): void {
  const wanted = optionalText(vector.expect['stderr_error']);
  const [actual, expected] = [errorsOf(stderr), wanted === undefined ? [] : errorsOf(fill(wanted))];
  assert.equal(actual.length, expected.length, `errors: ${JSON.stringify(actual)} against ${JSON.stringify(expected)}`);
  for (const [index, line] of expected.entries()) sameErrorLine(actual[index] ?? '', line);
  const warned = isJsonArray(vector.expect['log_warnings']) && vector.expect['log_warnings'].some((line) => String(line).includes('env-var fallback'));
  if (warned) assert.match(stderr, / WARN |\[strict-config\]/, 'no warning was told');
}

function eventsOf(dir: string, vector: VectorCase): JsonValue[] {
  const name = optionalText(objectMember(vector.input, 'env')['CELL_OS_JSONL_EVENTS']) ?? 'events.jsonl';
  const path = name.startsWith('/') ? name : `${dir}/${name}`;
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').filter((line) => line !== '').map((line) => parseJson(line));
}

/** Paths of the case may hold `*` and placeholders. */
function findFile(dir: string, name: string, bindings: Bindings): string | undefined {
  let found = [''];
  for (const part of name.split('/')) {
    found = found.flatMap((folder) => {
      const path = `${dir}${folder}`;
      if (!existsSync(path) || !lstatSync(path).isDirectory()) return [];
      return readdirSync(path).filter((entry) => part === '*' || part === entry || (part.includes('<') && matches(() => bindings.text(entry, part)))).map((entry) => `${folder}/${entry}`);
    });
  }
  return found[0] === undefined ? undefined : `${dir}${found[0]}`;
}

function matches(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

function checkFile(dir: string, name: string, expected: JsonValue, bindings: Bindings): void {
  const path = findFile(dir, name, bindings);
  if (expected === 'gone') assert.ok(!existsSync(readFileSync(`${dir}/sock.txt`, 'utf8').trim()), 'the socket is still there');
  else if (expected === null) assert.equal(path, undefined, `${name} is there`);
  else if (path === undefined) assert.fail(`${name} is not there`);
  else if (isJsonObject(expected) && expected['dir'] !== undefined) assert.ok(lstatSync(path).isDirectory(), `${name} is no folder`);
  else if (typeof expected === 'string') bindings.text(readFileSync(path, 'utf8'), expected);
  else bindings.json(readFileSync(path, 'utf8').split('\n').filter((line) => line !== '').map((line) => parseJson(line)), expected, name);
}

function checkRun(vector: VectorCase, dir: string, ended: readonly Ended[], more: { fill: (text: string) => string; requests: readonly Request[] }): void {
  const { expect } = vector;
  const { fill, requests } = more;
  const bindings = new Bindings();
  const last = ended.at(-1);
  assert.ok(last !== undefined);
  const said = `${last.stderr}`.slice(0, 400);
  if (isJsonArray(expect['exit_codes'])) assert.deepEqual(ended.map(({ code }) => code), expect['exit_codes'].map(Number), said);
  assert.equal(last.code, expect['exit_code'] === null ? null : Number(expect['exit_code']), said);
  checkErrors(vector, last.stderr, fill);
  if (isJsonArray(expect['events'])) {
    const events = eventsOf(dir, vector).map(withoutKeysetReason);
    const types = (list: readonly JsonValue[]): string[] => list.map((event) => textMember(event as JsonObject, 'type').replace('dev.cellos.events.cell.', ''));
    assert.deepEqual(types(events), types(expect['events']));
    for (const [index, event] of expect['events'].entries()) bindings.json(events[index], withoutKeysetReason(keepFloats(event, fill)), `events[${index}]`);
  }
  bindings.text(last.stdout, fill(textMember(expect, 'stdout')));
  if (isJsonObject(expect['files'])) for (const [name, what] of Object.entries(expect['files'])) checkFile(dir, name, what, bindings);
  if (isJsonArray(expect['http_requests'])) assert.deepEqual(JSON.parse(JSON.stringify(requests)), JSON.parse(canonicalText(keepFloats(expect['http_requests'], fill))));
}

/** Why a keyset does not verify is told in words of each program; vectors/events/keyset_load has the rules. */
function withoutKeysetReason(event: JsonValue): JsonValue {
  if (!isJsonObject(event) || !String(event['type']).endsWith('.keyset_verification_failed') || !isJsonObject(event['data'])) return event;
  return { ...event, data: { ...event['data'], reason: 'told' } };
}

/** The same value with its texts filled in; numbers stay the tokens they are. */
function keepFloats(value: JsonValue, fill: (text: string) => string): JsonValue {
  if (typeof value === 'string') return fill(value);
  if (isJsonArray(value)) return value.map((one) => keepFloats(one, fill));
  if (isJsonObject(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, keepFloats(one, fill)])) as JsonObject;
  return value;
}

const run: VectorAdapter = Object.assign(
  async (vector: VectorCase): Promise<void> => {
    requireHost(vector);
    const dir = mkdtempSync(`${tmpdir()}/cellos-sup-`);
    const asked = vector.input['http_server'];
    const web = isJsonObject(asked) ? await startServer(asked) : undefined;
    const fill = filler(dir, web?.port ?? 0);
    try {
      writeFiles(dir, vector.input['files'], fill);
      const spec = optionalText(vector.input['spec_text']);
      if (spec !== undefined) writeFileSync(`${dir}/spec.json`, fill(spec));
      const ended: Ended[] = [];
      for (let count = Number(vector.input['runs'] ?? 1); count > 0; count -= 1) ended.push(await runOnce(vector, dir, fill));
      checkRun(vector, dir, ended, { fill, requests: web?.requests ?? [] });
    } finally {
      web?.server.close();
      for (const path of [dir, `${dir}.state`]) rmSync(path, { recursive: true, force: true });
    }
  },
  { atATime: 2 },
);

const TRANSCRIPTS = ['cli-and-spec-input', 'run-lifecycle', 'run-secrets', 'run-export', 'run-isolation', 'run-config-and-sinks', 'run-admission'];

export const supervisorAdapters: Readonly<Record<string, VectorAdapter>> = { ...Object.fromEntries(TRANSCRIPTS.map((name) => [`supervisor/${name}`, run])), ...streamAdapters };
