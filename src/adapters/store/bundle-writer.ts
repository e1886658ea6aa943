/**
 * Writes a bundle folder. All files 0600 in a 0700 folder.
 *
 *   K1  whatever the disk refuses is `evidence.unwritable`: the caller ends the cell, it never goes on with less evidence;
 *   K2  after the first `sync` the folder, the keyset and the records so far are on the disk, by name and by content.
 */
import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Digest, digestOf, sha256Stream } from '../../base/crypto.ts';
import { assert, CellError, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { BUNDLE } from '../../core/evidence/bundle.ts';
import type { KeptOutput, OutputKeeper, RunBundle } from '../../ports/run-bundle.ts';
import { syncFolder, writeFileAtomic } from '../os/durable-file.ts';
import type { RunFolder } from './state.ts';

/** [K1] */
function written<T>(what: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof CellError) throw error;
    throw new CellError('evidence.unwritable', `Cannot ${what} ${path}: ${messageOf(error)}`, { cause: error, facts: { path } });
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) at += writeSync(fd, bytes, at, bytes.byteLength - at);
}

/** What may still be kept of one stream of a run, over all of its commands. */
interface Budget {
  bytes: number;
  files: number;
}

/** @param always make the file, though nothing may come */
function outputKeeper(path: string, budget: Budget, always: boolean): OutputKeeper & { readonly hasFile: boolean } {
  const all = sha256Stream();
  const kept = sha256Stream();
  let fd: number | undefined;
  let bytes = 0;
  let keptBytes = 0;
  let result: KeptOutput | undefined;
  const write = (piece: Uint8Array): void => {
    written('keep the output of the command in', path, () => {
      if (fd === undefined) {
        fd = openSync(path, 'wx', 0o600);
        budget.files -= 1;
      }
      writeAll(fd, piece);
    });
  };
  const keep = (chunk: Uint8Array): void => {
    if (budget.bytes === 0 || (fd === undefined && budget.files === 0)) return;
    const piece = chunk.subarray(0, budget.bytes);
    write(piece);
    budget.bytes -= piece.byteLength;
    kept.update(piece);
    keptBytes += piece.byteLength;
  };
  if (always) write(new Uint8Array(0));
  return {
    get hasFile() {
      return fd !== undefined;
    },
    write(chunk) {
      assert(result === undefined, 'a finished output takes nothing more');
      all.update(chunk);
      bytes += chunk.byteLength;
      // The beginning is kept, without holes: after a cut nothing of this command is kept any more.
      if (keptBytes === bytes - chunk.byteLength) keep(chunk);
    },
    finish() {
      if (result === undefined) {
        if (fd !== undefined) {
          const done = fd;
          if (keptBytes > 0) written('keep the output of the command in', path, () => fdatasyncSync(done));
          closeSync(done);
        }
        result = { bytes, digest: all.digest(), keptBytes, keptDigest: kept.digest(), truncated: keptBytes < bytes };
      }
      return result;
    },
  };
}

/** Durable when it returns; nothing is left of one that fails. */
async function writeArtifact(path: string, bytes: AsyncIterable<Uint8Array>): Promise<{ digest: Digest; size: number }> {
  const hash = sha256Stream();
  let size = 0;
  const fd = written('keep an artifact in', path, () => openSync(path, 'wx', 0o600));
  try {
    try {
      for await (const chunk of bytes) {
        written('keep an artifact in', path, () => writeAll(fd, chunk));
        hash.update(chunk);
        size += chunk.byteLength;
      }
      written('keep an artifact in', path, () => fdatasyncSync(fd));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
  return { digest: hash.digest(), size };
}

/** @param options.keptBytesMax of each stream, over all commands of the run */
export function createRunBundle(folder: RunFolder, keyset: Uint8Array, options: { keptBytesMax: number }): RunBundle {
  const { path, records } = folder;
  const recordsHash = sha256Stream();
  const outputs = new Map<string, ReturnType<typeof outputKeeper>>();
  const budgets = { stdout: { bytes: options.keptBytesMax, files: LIMITS.outputFilesMax }, stderr: { bytes: options.keptBytesMax, files: LIMITS.outputFilesMax } };
  const artifacts = new Map<string, Digest>();
  const documents = new Map<string, Digest>();
  let parts = 0;
  let begun = false;
  let size = 0;
  written('write', `${path}/${BUNDLE.keyset}`, () => writeFileAtomic(`${path}/${BUNDLE.keyset}`, keyset, { sync: false }));
  return {
    path,
    append(record) {
      size += record.byteLength;
      if (size > LIMITS.recordsSizeBytesMax) throw new CellError('evidence.unwritable', `Cannot write the evidence in ${path}: its records would be longer than ${LIMITS.recordsSizeBytesMax} bytes, which no audit takes`, { facts: { path } });
      records.append(record);
      recordsHash.update(record);
    },
    sync() {
      if (!begun) {
        written('make durable', path, () => {
          syncFile(`${path}/${BUNDLE.keyset}`);
          for (const folder of [path, dirname(path)]) syncFolder(folder);
        }); // K2
        begun = true;
      }
      records.sync();
    },
    keepOutput(name, command) {
      const file = command === 1 ? `${name}.log` : `${name}.${command}.log`;
      assert(!outputs.has(file), 'a command keeps each of its streams once');
      const keeper = outputKeeper(`${path}/${file}`, budgets[name], command === 1);
      outputs.set(file, keeper);
      return keeper;
    },
    async keepArtifact(bytes) {
      written('make', `${path}/artifacts`, () => mkdirSync(`${path}/artifacts`, { recursive: true, mode: 0o700 }));
      parts += 1;
      const temporary = `${path}/artifacts/part-${parts}`;
      const { digest, size } = await writeArtifact(temporary, bytes);
      const name = `${BUNDLE.artifacts}${digest.slice('sha256:'.length)}`;
      written('keep an artifact in', path, () => renameSync(temporary, `${path}/${name}`));
      artifacts.set(name, digest);
      return { digest, bytes: size, path: `${path}/${name}` };
    },
    keepDocument(name, bytes) {
      // The names of the last files are made durable with that of the attestation.
      written('write', `${path}/${name}`, () => writeFileAtomic(`${path}/${name}`, bytes, { sync: name === BUNDLE.workspace ? true : 'content' }));
      const digest = digestOf(bytes);
      documents.set(name, digest);
      return digest;
    },
    async close() {
      const files = new Map<string, Digest>([[BUNDLE.records, recordsHash.digest()], [BUNDLE.keyset, digestOf(keyset)]]);
      for (const [file, keeper] of outputs) {
        const { keptDigest } = keeper.finish();
        if (keeper.hasFile) files.set(file, keptDigest);
      }
      for (const [name, digest] of [...documents, ...artifacts]) files.set(name, digest);
      if (artifacts.size > 0) written('make durable', `${path}/artifacts`, () => syncFolder(`${path}/artifacts`));
      records.sync();
      records.close();
      return files;
    },
    attest: (bytes) => void written('write', `${path}/${BUNDLE.attestation}`, () => writeFileAtomic(`${path}/${BUNDLE.attestation}`, bytes)),
  };
}
