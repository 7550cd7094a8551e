// No library at all: what the measured page weighs by itself.

export const provider = () => ({ getToken: async () => ({}) });
