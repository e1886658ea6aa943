// breaks lint: useExhaustiveSwitchCases
type Phase = 'running' | 'ended';
export function note(phase: Phase, lines: string[]): void {
  switch (phase) {
    case 'running':
      lines.push('running');
      break;
  }
}
