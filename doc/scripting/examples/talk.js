// node talk.js SOCKET PROFILE JID: say hello to JID, and print the first message that comes.
const net = require("net");
const Sat = require(process.env.SAT_JS || "./sat.js");

const [path, profile, peer] = process.argv.slice(2);

const follower = Sat.follow(() => Sat.stream(net.connect(path)), {
  client: "talk.js",
  attach: { mode: "events", profiles: [profile], types: ["message.added"] },
  onevent: ({ data }) => {
    if (data.direction === "in") {
      console.log(data.body);
      follower.close();
    }
  },
});

follower.call("message.send", { profile, to: peer, body: "Salut from Node" }).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
  follower.close();
});
