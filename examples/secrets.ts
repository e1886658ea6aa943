// Give a cell a secret; its value is nowhere in the evidence, the life of its lease is.   npm run example -- examples/secrets.ts
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Cell } from 'cellos';

const folder = await mkdtemp(`${tmpdir()}/cellos-secret-`);
try {
  await writeFile(`${folder}/token`, 'correct-horse-battery\n', { mode: 0o600 });
  const cell = await Cell.create({ secrets: { DEPLOY_TOKEN: `file:${folder}/token` }, ttl: '1m' });
  const used = await cell.exec(['sh', '-c', 'echo "the token has ${#DEPLOY_TOKEN} characters"']);
  console.log(used.stdout.text().trim());
  await cell.close();
  for await (const event of cell.evidence.events()) {
    if (!event.type.endsWith('secret.v1.lease')) continue;
    const { ref, state } = event.data as { ref: string; state: string };
    console.log(`${ref}: ${state}`);
  }
} finally {
  await rm(folder, { recursive: true });
}
