/**
 * Adapters of vectors/adapters/{export-http,export-s3}.json: what our uploads ask of a server, and say of it.
 *
 *   VU1  headers are compared by name, without the two of the connection; an empty file has a length with us, as the reference's text says;
 *   VU2  nothing of an address that is secret is in what is said.
 */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/adapters/os/clock.ts';
import { createHttpExport, createS3Export, s3Destination, type UploadOptions, uploadUrl } from '../../src/adapters/export/upload.ts';
import { messageOf } from '../../src/base/errors.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { readExportSettings } from '../../src/config/supervisor-exports.ts';
import type { ExportReceipt, ExportSink } from '../../src/ports/export-sink.ts';
import { objectMember, optionalText, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

type Kind = 'http' | 's3';

const isText = /^[\n\r\x20-\x7e]*$/;

function answer(asked: JsonValue | undefined, response: ServerResponse): void {
  if (!isJsonObject(asked) || asked['drop_connection'] === true) {
    response.destroy();
    return;
  }
  const [status = '', ...reason] = textMember(asked, 'status').split(' ');
  const headers = isJsonArray(asked['headers']) ? asked['headers'].flatMap((pair) => (isJsonArray(pair) ? pair.map(String) : [])) : [];
  response.writeHead(Number(status), reason.join(' '), headers).end(optionalText(asked['body']) ?? '');
}

async function withServer(responses: readonly JsonValue[], work: (address: string) => Promise<void>): Promise<unknown[]> {
  const waiting = [...responses];
  const seen: unknown[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void parts.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const headers = Object.entries(request.headers).filter(([name, value]) => name !== 'connection' && !(name === 'content-length' && value === '0')); // VU1
      seen.push({ body: isText.test(body.toString('latin1')) ? body.toString() : { hex: body.toString('hex') }, headers: Object.fromEntries(headers), method: request.method, target: request.url, version: `HTTP/${request.httpVersion}` });
      answer(waiting.shift(), response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return seen;
}

const LIMITS_OF_CASES = { timeoutMs: 10_000, connectTimeoutMs: 5_000, clock: systemClock };

function sinkOf(kind: Kind, input: JsonObject, address: string): ExportSink {
  const token = optionalText(input['bearer_token']);
  const url = textMember(input, kind === 'http' ? 'base_url' : 'presigned_url').replaceAll('{addr}', address);
  const options: UploadOptions = { ...LIMITS_OF_CASES, url, attemptsMax: Number(input['max_attempts'] ?? 1), backoffMs: 1, ...(token === undefined ? {} : { bearerToken: token }) };
  if (kind === 'http') return createHttpExport(options);
  const prefix = optionalText(input['key_prefix']);
  return createS3Export(options, { name: optionalText(input['target_name']) ?? '', bucket: optionalText(input['bucket']) ?? '', ...(prefix === undefined ? {} : { keyPrefix: prefix }) });
}

function push(sink: ExportSink, input: JsonObject): Promise<ExportReceipt> {
  const body = Buffer.from(optionalText(input['file_text']) ?? Buffer.from(optionalText(input['body_hex']) ?? '78', 'hex'));
  const bytes = { [Symbol.asyncIterator]: () => [body].values() as unknown as AsyncIterator<Uint8Array> };
  const contentType = optionalText(input['content_type']);
  const artifact = { cellId: optionalText(input['cell_id']) ?? 'c1', name: optionalText(input['name']) ?? 'a', sizeBytes: body.byteLength, ...(contentType === undefined ? {} : { contentType }) };
  return sink.push(artifact, bytes, { signal: new AbortController().signal });
}

async function flow(kind: Kind, input: JsonObject, expect: JsonObject): Promise<void> {
  let address = '';
  let receipt: ExportReceipt | undefined;
  const seen = await withServer(isJsonArray(input['responses']) ? input['responses'] : [], async (at) => {
    address = at;
    receipt = await push(sinkOf(kind, input, at), input).catch((error: unknown) => {
      assert.doesNotMatch(messageOf(error), /SECRET|Signature=/); // VU2
      return undefined;
    });
  });
  const expected = JSON.parse(JSON.stringify(expect['requests']).replaceAll('{addr}', address)) as { headers: [string, string][] }[];
  assert.deepEqual(seen, expected.map((request) => ({ ...request, headers: Object.fromEntries(request.headers) })));
  const result = objectMember(expect, 'result')['ok'];
  assert.equal(receipt !== undefined, result !== undefined, receipt === undefined ? 'refused, and the reference delivers' : 'delivered, and the reference refuses');
  if (!isJsonObject(result)) return;
  const told = { targetKind: receipt?.targetKind, targetName: receipt?.targetName === '' ? null : (receipt?.targetName ?? null), destination: receipt?.destination, bytesWritten: receipt?.bytesWritten };
  assert.equal(JSON.stringify(told), textMember(result, 'receipt_json').replaceAll('{addr}', address));
}

/** A setting that the reference refuses when it makes its sink is one that ours refuses at the start. */
function construct(kind: Kind, url: string, refused: boolean): void {
  const env = kind === 'http' ? { CELLOS_EXPORT_HTTP_BASE_URL: url } : { CELLOS_EXPORT_S3_PRESIGNED_URL: url, CELL_OS_REQUIRE_S3_EXPORT: '1' };
  const { problems } = readExportSettings(env, [{ kind, name: 't' }]);
  assert.equal(problems.length > 0, refused, refused ? 'accepted' : 'refused');
}

async function refusedWithoutSecrets(kind: Kind, input: JsonObject): Promise<void> {
  const error = await push(sinkOf(kind, { base_url: 'http://127.0.0.1:9/x', presigned_url: 'http://127.0.0.1:9/x', ...input }, ''), input).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(error !== undefined, 'delivered');
  assert.doesNotMatch(messageOf(error), /SECRET|u:p/); // VU2
}

const of =
  (kind: Kind): VectorAdapter =>
  async ({ input, expect }) => {
    const ok = isJsonObject(expect['ok']) ? expect['ok'] : undefined;
    if (input['responses'] !== undefined) return flow(kind, input, expect);
    if (input['path'] !== undefined) {
      const missing = push(createHttpExport({ ...LIMITS_OF_CASES, url: 'http://127.0.0.1:9/', attemptsMax: 1, backoffMs: 0 }), { body_hex: '' });
      return assert.rejects(missing);
    }
    if (typeof ok?.['destination'] === 'string') {
      const artifact = { cellId: optionalText(input['cell_id']) ?? '', name: textMember(input, 'name') };
      const prefix = optionalText(input['key_prefix']);
      const destination = kind === 'http' ? uploadUrl(textMember(input, 'base_url'), kind, artifact) : s3Destination({ bucket: textMember(input, 'bucket'), ...(prefix === undefined ? {} : { keyPrefix: prefix }) }, artifact.name);
      return assert.equal(destination, ok['destination']);
    }
    if (expect['error_prefix'] !== undefined || input['content_type'] !== undefined) return refusedWithoutSecrets(kind, input);
    construct(kind, optionalText(input['base_url'] ?? input['presigned_url'] ?? input['CELLOS_EXPORT_HTTP_BASE_URL']) ?? '', ok === undefined);
  };

export const uploadAdapters: Readonly<Record<string, VectorAdapter>> = { 'adapters/export-http': of('http'), 'adapters/export-s3': of('s3') };
