// Copy a result out of a cell: into the evidence by digest, and to a folder.   npm run example -- examples/export.ts
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Cell } from 'cellos';

const exportDir = await mkdtemp(`${tmpdir()}/cellos-export-`);
try {
  await using cell = await Cell.create({ id: 'report', exportDir, ttl: '1m' });
  await cell.exec(['sh', '-c', 'mkdir out; echo "42 tests passed" > out/report.txt']);
  const artifact = await cell.export('report.txt', 'out/report.txt');
  console.log(`${artifact.destination}: ${artifact.bytes} bytes, ${artifact.digest}`);
  console.log((await readFile(`${exportDir}/${artifact.destination}`, 'utf8')).trim());
} finally {
  await rm(exportDir, { recursive: true });
}
