// breaks compiler: Cannot find name 'setTimeout'
export const later = (work: () => void): unknown => setTimeout(work, 1);
