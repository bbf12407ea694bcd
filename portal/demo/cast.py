"""The people, teams and services of the demo company, a shop called Larder."""

PEOPLE = {
    "dana": "Dana Okafor",
    "alice": "Alice Moreau",
    "bob": "Bob Lindqvist",
    "chen": "Chen Wei",
    "priya": "Priya Raman",
    "tomas": "Tomás Herrera",
    "yuki": "Yuki Tanaka",
    "marta": "Marta Kowalska",
    "idris": "Idris Bello",
    "lena": "Lena Hoffmann",
    "omar": "Omar Haddad",
    "sofia": "Sofia Rossi",
}

# team: (title, ticket prefix, members)
TEAMS = {
    "payments": ("Payments", "PAY", ["dana", "priya"]),
    "storefront": ("Storefront", "SHOP", ["alice", "yuki", "sofia"]),
    "fulfilment": ("Fulfilment", "FUL", ["bob", "marta"]),
    "identity": ("Identity", "IDN", ["chen", "lena"]),
    "data": ("Data", "DATA", ["tomas", "omar"]),
    "platform": ("Platform", "PLAT", ["idris", "lena", "chen"]),
}

# service: (team, language, tier, what it does)
SERVICES = {
    "address-book": ("identity", "Go", "internal", "Keeps and checks postal addresses"),
    "admin-console": ("platform", "TypeScript", "internal", "Back office of the shop"),
    "api-gateway": ("platform", "Go", "mission critical", "The front door of every API"),
    "assets": ("storefront", "Rust", "customer facing", "Resizes and serves pictures"),
    "auth": ("identity", "Go", "mission critical", "Sign-in, sessions and tokens"),
    "basket": ("storefront", "Kotlin", "mission critical", "What the customer is about to buy"),
    "billing": ("payments", "Java", "mission critical", "Invoices and statements"),
    "catalogue": ("storefront", "Kotlin", "customer facing", "Products, prices and stock shown"),
    "checkout": ("payments", "Kotlin", "mission critical", "Turns a basket into an order"),
    "clickstream": ("data", "Scala", "internal", "Takes in what visitors do"),
    "config-service": ("platform", "Go", "mission critical", "Settings and flags at run time"),
    "consent": ("identity", "Python", "customer facing", "Who agreed to what, and when"),
    "coupons": ("storefront", "Python", "customer facing", "Vouchers and campaigns"),
    "courier-bridge": ("fulfilment", "Go", "customer facing", "Talks to parcel services"),
    "customer-360": ("data", "Python", "internal", "One view of a customer"),
    "delivery-slots": ("fulfilment", "Kotlin", "customer facing", "When a delivery can come"),
    "email-sender": ("platform", "Go", "customer facing", "Sends what others write"),
    "exchange-rates": ("payments", "Go", "internal", "Rates, refreshed by the minute"),
    "feature-store": ("data", "Python", "internal", "Features for models"),
    "fraud-check": ("payments", "Python", "mission critical", "Scores a payment before it is taken"),
    "gift-cards": ("payments", "Java", "customer facing", "Balances and redemption"),
    "help-centre": ("storefront", "TypeScript", "customer facing", "Questions and answers"),
    "inventory": ("fulfilment", "Java", "mission critical", "What is in which warehouse"),
    "loyalty": ("storefront", "Kotlin", "customer facing", "Points and tiers"),
    "ledger": ("payments", "Java", "mission critical", "Every movement of money, twice"),
    "media-upload": ("storefront", "Rust", "internal", "Takes pictures in"),
    "mobile-bff": ("storefront", "TypeScript", "customer facing", "What the apps ask"),
    "notifications": ("platform", "Go", "customer facing", "Push and text messages"),
    "order-history": ("storefront", "Kotlin", "customer facing", "What the customer bought"),
    "orders": ("fulfilment", "Kotlin", "mission critical", "An order from paid to delivered"),
    "payment-gateway": ("payments", "Java", "mission critical", "Cards, wallets and banks"),
    "picking": ("fulfilment", "Go", "internal", "Tells pickers where to walk"),
    "pricing": ("storefront", "Scala", "mission critical", "What a thing costs right now"),
    "profile": ("identity", "Python", "customer facing", "What a customer tells of themselves"),
    "recommendations": ("data", "Python", "customer facing", "People also bought"),
    "refunds": ("payments", "Java", "customer facing", "Money back"),
    "reports": ("data", "Python", "internal", "Figures for the morning"),
    "search": ("storefront", "Rust", "mission critical", "Finds products as you type"),
    "shop-web": ("storefront", "TypeScript", "mission critical", "The shop in the browser"),
    "tax": ("payments", "Java", "customer facing", "Which tax, where"),
    "warehouse-sync": ("fulfilment", "Go", "internal", "Keeps warehouses and stock in step"),
}

# environment: (title, tier, aliases, region)
ENVIRONMENTS = {
    "development": ("Development", "development", ["dev"], "eu-central-1"),
    "test": ("Test", "test", ["qa"], "eu-central-1"),
    "staging": ("Staging", "staging", ["stage", "preprod"], "eu-west-1"),
    "production": ("Production", "production", ["prod", "live"], "eu-west-1"),
}

WORK = [
    "Retry {thing} when the upstream times out",
    "Cache {thing} for sixty seconds",
    "Fix rounding in {thing}",
    "Log the trace id with every {thing} failure",
    "Make {thing} idempotent",
    "Drop the unused {thing} column",
    "Raise the limit of {thing} to 500",
    "Move {thing} behind a flag",
    "Speed up {thing} with a partial index",
    "Return 404 instead of 500 for a missing {thing}",
    "Add metrics to {thing}",
    "Validate {thing} before it is queued",
    "Bump the client of {thing}",
    "Handle an empty {thing}",
]
THINGS = [
    "token refresh", "price lookup", "order import", "card authorisation", "stock count", "search facet",
    "address check", "webhook delivery", "voucher redemption", "session lookup", "invoice export", "image resize",
    "slot booking", "refund", "tax rate", "consent record", "nightly batch", "health probe",
]  # fmt: skip
