// breaks lint: noMisusedPromises
async function ready(): Promise<boolean> {
  return await Promise.resolve(false);
}
export function start(): string {
  if (ready()) return 'started';
  return 'waiting';
}
