// A site in Express with its ordinary sessions. It answers 403 to who is not signed in.
const { randomBytes } = require("node:crypto")
const express = require("express")
const session = require("express-session")

const site = express()
site.use(session({ secret: randomBytes(32).toString("hex"), resave: false, saveUninitialized: true }))
site.get("/sign-in", (request, response) => {
  request.session.userId = Number(request.query.as)
  response.json({})
})
site.get("/sign-out", (request, response) => request.session.destroy(() => response.json({})))
site.get("/me", (request, response) => {
  if (request.session.userId === undefined) return response.sendStatus(403)
  response.json({ id: request.session.userId })
})
site.listen(Number(process.argv[2]), "127.0.0.1")
