// Supabase's auth-js, with the session in localStorage.

import { AuthClient } from "@supabase/auth-js";

const client = () => new AuthClient({ url: `${location.origin}/supabase`, autoRefreshToken: false });

export const provider = () => {
  const kept = client();
  return {
    getToken: async () => {
      const { data, error } = await kept.getSession();
      if (error) throw error;
      return data.session;
    },
  };
};

export const signIn = async () => {
  const { error } = await client().signInWithPassword({ email: "somebody@example.test", password: "any" });
  if (error) throw error;
};
