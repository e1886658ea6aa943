// breaks tidy: has an empty catch
export function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // a comment is no reason
  }
}
