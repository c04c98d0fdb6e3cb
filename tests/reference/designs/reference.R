# Answers of R that the tests of ncpi_eval/designs compare with, from the figures in this folder.
# R 4.2.2, sandwich 3.0-2, nlme 3.1-162, MASS 7.3-58. Run here: Rscript reference.R
options(digits = 12)
library(sandwich)
library(nlme)
say <- function(name, ...) cat(name, format(c(...), digits = 12), "\n")

# Without this R stops its scoring steps early, in the seventh digit of standard errors.
exact <- glm.control(epsilon = 1e-14, maxit = 100)

# --- Sicily, smoking ban of January 2005 (period 37)
d <- read.csv("sicily.csv")
d$ban <- as.numeric(d$time >= 37)
waves <- function(t) {
  sapply(1:2, function(k) c(sin(2 * pi * k * t / 12), cos(2 * pi * k * t / 12)))
}
season <- t(sapply(d$time - 1, function(t) as.vector(waves(t))))
plain <- glm(aces ~ offset(log(stdpop)) + ban + time, poisson, d, control = exact)
say("sicily poisson", summary(plain)$coef["ban", 1:2])
quasi <- glm(aces ~ offset(log(stdpop)) + ban + season + time, quasipoisson, d, control = exact)
say("sicily quasi-Poisson, harmonics", summary(quasi)$coef["ban", 1:2])
same <- glm(aces ~ offset(log(stdpop)) + ban + season + time, poisson, d, control = exact)
say("sicily Newey-West 3", sqrt(NeweyWest(same, lag = 3, prewhite = FALSE, adjust = TRUE)["ban", "ban"]))
nb <- MASS::glm.nb(aces ~ offset(log(stdpop)) + ban + season + time, d, control = exact)
say("sicily negative binomial", summary(nb)$coef["ban", 1:2], 1 / nb$theta)

# --- Seatbelts, law of 31 January 1983 (period 169 from 0 is February 1983)
b <- read.csv("seatbelts.csv")
b$t <- seq_len(nrow(b)) - 1
b$level <- as.numeric(b$t >= 169)
b$since <- pmax(b$t - 169, 0)
b$m <- factor(b$t %% 12)
both <- c("level", "since")
o <- lm(drivers ~ t + m + level + since, b)
say("seatbelts level, slope", coef(o)[both])
for (adjust in c(TRUE, FALSE)) {
  v <- NeweyWest(o, lag = 4, prewhite = FALSE, adjust = adjust)
  say(paste("seatbelts Newey-West 4, adjusted", adjust), sqrt(diag(v)[both]))
}
tight <- glsControl(tolerance = 1e-12, msTol = 1e-14)
for (p in 1:2) {
  g <- gls(drivers ~ t + m + level + since, b, correlation = corARMA(p = p), control = tight)
  say(paste("seatbelts gls AR", p), t(summary(g)$tTable[both, 1:2]))
  say("  coefficients", coef(g$modelStruct$corStruct, unconstrained = FALSE))
}
w <- transform(b, level = as.numeric(t >= 172), since = pmax(t - 172, 0))
w <- w[w$t < 169 | w$t >= 172, ]
g <- gls(drivers ~ t + m + level + since, w, correlation = corAR1(form = ~t), control = tight)
say("seatbelts gls AR 1, three months left out", t(summary(g)$tTable[both, 1:2]))
a <- arima(b$drivers, order = c(1, 0, 0), xreg = model.matrix(o)[, -1], method = "ML")
say("seatbelts arima", a$coef[c("ar1", both)], sqrt(diag(a$var.coef))[both])
x <- model.matrix(o)
y <- b$drivers
e <- resid(o)
n <- length(y)
for (i in 1:300) {
  r <- sum(e[-1] * e[-n]) / sum(e[-n]^2)
  white <- function(z) {
    z <- as.matrix(z)
    rbind(sqrt(1 - r^2) * z[1, , drop = FALSE], z[-1, , drop = FALSE] - r * z[-n, , drop = FALSE])
  }
  f <- lm.fit(white(x), as.vector(white(y)))
  e <- as.vector(y - x %*% coef(f))
}
error <- sqrt(sum(f$residuals^2) / (n - ncol(x)) * diag(solve(crossprod(white(x)))))
say("seatbelts Prais-Winsten", r, coef(f)[both], error[colnames(x) %in% both])
o2 <- lm(I(front - rear) ~ t + m + level + since, b)
v <- NeweyWest(o2, lag = 4, prewhite = FALSE, adjust = FALSE)
say("seatbelts front less rear", coef(o2)[both], sqrt(diag(v)[both]))
say("seatbelts Ljung-Box 12", Box.test(resid(o), 12, "Ljung-Box")$statistic)

# --- mpdta: group-time effects as differences of mean changes, errors by infinitesimal jackknife
m <- read.csv("mpdta.csv", check.names = FALSE)
Y <- as.matrix(m[, as.character(2003:2007)])
G <- m$first_treated
effects <- function(weight, controls) {
  share <- function(g) sum(weight[G == g]) / sum(weight)
  cell <- function(g, t) {
    change <- Y[, as.character(t)] - Y[, as.character(g - 1)]
    late <- if (controls == "never") G == 0 else G == 0 | G > t
    weighted.mean(change[G == g], weight[G == g]) -
      weighted.mean(change[late & G != g], weight[late & G != g])
  }
  cells <- subset(expand.grid(g = c(2004, 2006, 2007), t = 2004:2007), t >= g)
  cells$att <- mapply(cell, cells$g, cells$t)
  cells$share <- sapply(cells$g, share)
  cells$e <- cells$t - cells$g
  by <- function(key) sapply(split(cells, cells[[key]]), function(z) weighted.mean(z$att, z$share))
  groups <- sapply(split(cells, cells$g), function(z) mean(z$att))
  c(simple = weighted.mean(cells$att, cells$share), dynamic = mean(by("e")),
    group = weighted.mean(groups, sapply(as.numeric(names(groups)), share)),
    calendar = mean(by("t")), by("e"), groups, by("t"))
}
one <- rep(1, nrow(m))
for (controls in c("never", "not yet")) {
  now <- effects(one, controls)
  step <- 1e-5
  influence <- sapply(seq_along(one), function(i) {
    up <- down <- one
    up[i] <- 1 + step
    down[i] <- 1 - step
    (effects(up, controls) - effects(down, controls)) / (2 * step)
  })
  say(paste("mpdta", controls, "simple, dynamic, group, calendar"), now[1:4])
  say("  standard errors", sqrt(rowSums(influence^2))[1:4])
  say("  event times, cohorts, years", now[-(1:4)])
  say("  standard errors", sqrt(rowSums(influence^2))[-(1:4)])
}

# --- Stepped wedge: generalised least squares with the full covariance matrix
wedge <- function(clusters, steps, cell, between) {
  start <- rep(seq_len(steps), each = clusters / steps)
  X <- outer(start, 0:steps, function(s, t) as.numeric(t >= s))
  T <- steps + 1
  V <- kronecker(diag(clusters), between * matrix(1, T, T) + cell * diag(T))
  D <- cbind(as.vector(t(X)), kronecker(matrix(1, clusters, 1), diag(T)))
  solve(t(D) %*% solve(V) %*% D)[1, 1]
}
say("wedge 24 clusters, 4 steps", wedge(24, 4, 0.05 * 0.95 / 100, 0.015^2))
say("wedge 10 clusters, 5 steps", wedge(10, 5, 4, 4))

# --- Cluster trial: t test of cluster means
sd <- 0.5 * sqrt((1 + (30 - 1) * 0.05) / 30)
say("cluster trial", power.t.test(n = 20, delta = 0.1, sd = sd, strict = TRUE)$power)
say("cluster trial, detectable", power.t.test(n = 20, power = 0.8, sd = sd, strict = TRUE, tol = 1e-12)$delta)

# --- DerSimonian-Laird with Hartung-Knapp, written out
yi <- c(-0.10, 0.25, 0.30, 0.05, 0.60)
si <- c(0.10, 0.15, 0.20, 0.08, 0.25)
w <- 1 / si^2
Q <- sum(w * (yi - weighted.mean(yi, w))^2)
tau2 <- max(0, (Q - 4) / (sum(w) - sum(w^2) / sum(w)))
v <- 1 / (si^2 + tau2)
mu <- weighted.mean(yi, v)
say("meta-analysis", mu, sqrt(sum(v * (yi - mu)^2) / (4 * sum(v))), sqrt(tau2))
