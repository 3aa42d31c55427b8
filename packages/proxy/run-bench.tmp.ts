import { createSystemClock, createLogger, createLineSink, formatLogText } from "@heddle/std";
import { loadTypeRegistry } from "@heddle/xds-api";
import { readBootstrap } from "/work/main/packages/proxy/src/bootstrap.ts";
import { createProxy } from "/work/main/packages/proxy/src/proxy.ts";
import { createKernel } from "/work/main/packages/proxy/src/transport/kernel.ts";
import { lookup } from "node:dns/promises";
const clock=createSystemClock();
const log=createLogger({clock,level:"warn" as any,sink:(r)=>console.error(r.level,r.scope,r.message,JSON.stringify(r.fields))});
const b=readBootstrap(process.argv[2]!, await loadTypeRegistry());
if(!b.ok){console.error(b.error);process.exit(1)}
const proxy=createProxy({kernel:createKernel(),clock,random:Math.random,uuid:()=>crypto.randomUUID(),log,resolve:async(n)=>(await lookup(n,{all:true})).map(a=>a.address),mark:undefined,exchange:undefined,drainMs:5000,localUri:()=>"",observe:()=>({http:[],tcp:[]})});
proxy.start();
for(const r of b.value.resources){const p=proxy.resources.apply(r.typeUrl,r.resources,[]); if(p) {console.error("rejected",p);}}
console.error("up", [...proxy.listeners.all()].map(l=>l.name+" "+JSON.stringify(proxy.listeners.boundAddress(l.name))));
process.on("SIGUSR2",()=>console.error(JSON.stringify([...proxy.clusters.all()].map(c=>[c.config.name,c.counters,c.hosts.map(h=>[h.text,h.stats,h.active])]))));
process.on("SIGTERM",()=>process.exit(0));
