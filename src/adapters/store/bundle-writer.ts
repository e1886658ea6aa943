/** Writes a bundle folder. All files 0600 in a 0700 folder. */
import { closeSync, fdatasyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { type Digest, digestOf, sha256Stream } from '../../base/crypto.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import { BUNDLE } from '../../core/evidence/bundle.ts';
import type { KeptOutput, OutputKeeper, RunBundle } from '../../ports/run-bundle.ts';
import { syncFolder, writeFileAtomic } from '../os/durable-file.ts';
import type { RunFolder } from './state.ts';

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) at += writeSync(fd, bytes, at, bytes.byteLength - at);
}

function outputKeeper(path: string, keptBytesMax: number): OutputKeeper {
  const all = sha256Stream();
  const kept = sha256Stream();
  const fd = openSync(path, 'wx', 0o600);
  let bytes = 0;
  let keptBytes = 0;
  let result: KeptOutput | undefined;
  return {
    write(chunk) {
      all.update(chunk);
      bytes += chunk.byteLength;
      if (keptBytes === keptBytesMax) return;
      const piece = chunk.subarray(0, keptBytesMax - keptBytes);
      try {
        writeAll(fd, piece);
      } catch (error) {
        throw new CellError('evidence.unwritable', `Cannot keep the output of the command: ${messageOf(error)}`, { cause: error });
      }
      kept.update(piece);
      keptBytes += piece.byteLength;
    },
    finish() {
      if (result === undefined) {
        if (keptBytes > 0) fdatasyncSync(fd);
        closeSync(fd);
        result = { bytes, digest: all.digest(), keptBytes, keptDigest: kept.digest(), truncated: keptBytes < bytes };
      }
      return result;
    },
  };
}

export function createRunBundle(folder: RunFolder, keyset: Uint8Array): RunBundle {
  const { path, records } = folder;
  const recordsHash = sha256Stream();
  const outputs = new Map<string, OutputKeeper>();
  const artifacts = new Map<string, Digest>();
  const documents = new Map<string, Digest>();
  writeFileAtomic(`${path}/${BUNDLE.keyset}`, keyset, { sync: false });
  return {
    path,
    append(record) {
      records.append(record);
      recordsHash.update(record);
    },
    sync: () => records.sync(),
    keepOutput(name, keptBytesMax) {
      const existing = outputs.get(name);
      if (existing !== undefined) return existing;
      const keeper = outputKeeper(`${path}/${name}.log`, keptBytesMax);
      outputs.set(name, keeper);
      return keeper;
    },
    async keepArtifact(bytes) {
      mkdirSync(`${path}/artifacts`, { recursive: true, mode: 0o700 });
      const temporary = `${path}/artifacts/part-${artifacts.size}`;
      const hash = sha256Stream();
      let size = 0;
      const fd = openSync(temporary, 'wx', 0o600);
      try {
        try {
          for await (const chunk of bytes) {
            writeAll(fd, chunk);
            hash.update(chunk);
            size += chunk.byteLength;
          }
          fdatasyncSync(fd);
        } finally {
          closeSync(fd);
        }
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
      const digest = hash.digest();
      const name = `${BUNDLE.artifacts}${digest.slice('sha256:'.length)}`;
      renameSync(temporary, `${path}/${name}`);
      artifacts.set(name, digest);
      return { digest, bytes: size, path: `${path}/${name}` };
    },
    keepDocument(name, bytes) {
      try {
        writeFileAtomic(`${path}/${name}`, bytes);
      } catch (error) {
        throw new CellError('evidence.unwritable', `Cannot write ${name} into the bundle: ${messageOf(error)}`, { cause: error });
      }
      const digest = digestOf(bytes);
      documents.set(name, digest);
      return digest;
    },
    async close() {
      const files = new Map<string, Digest>([[BUNDLE.records, recordsHash.digest()], [BUNDLE.keyset, digestOf(keyset)]]);
      for (const [name, keeper] of outputs) files.set(`${name}.log`, keeper.finish().keptDigest);
      for (const [name, digest] of [...documents, ...artifacts]) files.set(name, digest);
      if (artifacts.size > 0) syncFolder(`${path}/artifacts`);
      records.sync();
      records.close();
      return files;
    },
    attest: (bytes) => void writeFileAtomic(`${path}/${BUNDLE.attestation}`, bytes),
  };
}
